//! The bounded spool in `/tmp`: what the buffer cannot hold, kept for a better time or for the next process.
//!
//! Lambda keeps `/tmp` when it resets an environment after a timeout or a crash. What was spooled by the process that ended is
//! adopted by the next one of the same function, version and backend. A batch is one file; it stays until the backend has taken
//! it. What is spilled, evicted and adopted is decided in `dispatch` with the [`Inventory`]; [`Folder`] does the writing, and
//! [`segment`] knows the format. The files hold encoded OTLP, never a header or a secret, and are readable by their owner only.

mod folder;
mod inventory;
mod segment;

pub use folder::{Folder, Found};
pub use inventory::{Inventory, Segment};

/// The most that one segment holds: it is one request, and written while the function runs.
pub const SEGMENT_BYTES: usize = 256 << 10;
