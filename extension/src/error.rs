//! Errors at the extension's boundaries.
