//! From what arrives to what waits: what runs for every line, in a crate of its own, so that it is compiled for speed and the rest
//! of the extension, which runs seldom, for size.
//!
//! Pure: no IO and no clock; the time is an argument.

mod eights;
pub mod flow;

pub mod records;

pub mod normalise;
