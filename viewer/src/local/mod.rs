//! ClickStack on this machine: the engine, its schema and web UI, and the collector before it.

pub mod engine;
