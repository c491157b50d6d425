//! What must hold, one file a behaviour.

mod tidy;
