//! The layouts that ClickStack's tables have had: creating them, and finding out which one is there.
