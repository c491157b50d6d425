//! What must hold, one file a behaviour.

#![expect(clippy::unwrap_used, reason = "a test whose world cannot be prepared fails")]

mod about;
mod additions;
mod chaos;
mod commands;
mod contexts;
mod dead_backend;
mod desk;
mod direct;
mod direct_faults;
mod engine;
mod faults;
mod filtering;
mod filters;
mod following;
mod gate;

mod invoking;
mod json_page;
mod kinds;
mod layouts;
mod local;
mod log_corpus;
mod loss;
mod matrix;
mod memory;
mod oracle;
mod outage;
mod own_output;
mod path;
mod platform;
mod readers;
mod readme;
mod recorder;
mod schema;
mod searching;
mod secrets;
mod several;
mod shapes;
mod sharded;
mod shop;
mod spans;
mod tidy;
mod traces;
mod tui;
mod viewing;
mod watchdog;
mod world;
