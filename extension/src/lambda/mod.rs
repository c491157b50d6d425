//! What Lambda itself says: the Extensions API, the Telemetry API, and their records.

pub mod connection;
pub mod extensions;
pub mod records;
pub mod telemetry;
