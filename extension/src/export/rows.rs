//! Lays signals into the rows of ClickStack's tables, as its collector's exporter does.
