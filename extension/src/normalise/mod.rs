//! From arrivals to signals: pure, the time is an argument.

pub mod function_log;
pub mod invocations;
pub mod platform;
pub mod resource;
