//! What a function's or an extension's log record becomes.
