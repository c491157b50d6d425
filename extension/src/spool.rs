//! The place of the bounded spool in `/tmp` that a restarted process of the same environment adopts.
//!
//! Nothing is spooled yet: what the buffer cannot hold is dropped, oldest first, and counted.
