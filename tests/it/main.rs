//! What must hold, one file a behaviour.

mod matrix;
mod platform;
mod tidy;
