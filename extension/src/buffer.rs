//! Signals waiting for export: bounded in bytes, oldest dropped first, every drop counted by the caller.
