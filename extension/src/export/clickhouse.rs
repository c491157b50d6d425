//! Writes rows into ClickStack's tables.
