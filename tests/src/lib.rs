//! The world around both programs: Lambda's platform, functions, ClickHouse.
//!
//! Everything here is real where it can be: function processes run AWS's own Python runtime client, the database is
//! ClickHouse, the extension and the viewer are the built binaries. Only Lambda's platform is ours ([`lambda`]), and it is
//! held against AWS's own emulator ([`rie`]) wherever a machine can run that.

pub mod attach;
pub mod backend;
pub mod clickhouse;
pub mod fetched;
pub mod function;
pub mod kept;
pub mod lambda;
pub mod layer;
pub mod ledger;
pub mod machine;
pub mod moto;
pub mod recorded_aws;
pub mod rie;
pub mod screen;
pub mod server;
pub mod shop;
pub mod stack;
pub mod terminal;
pub mod tls;
pub mod until;
pub mod viewer;
pub mod watchdog;
pub mod way;
pub mod wire;
