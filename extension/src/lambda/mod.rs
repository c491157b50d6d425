//! What Lambda itself says: the Extensions API, the Telemetry API, and their records.

pub use lambdaview_pipeline::records;

pub mod connection;
pub mod extensions;
pub mod telemetry;
