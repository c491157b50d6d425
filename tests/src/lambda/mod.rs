//! Lambda's platform on one machine: Runtime API, Extensions API and Telemetry API around real processes.
//!
//! It does to a function and its extensions what AWS does to them, as far as they can tell: the order of start-up, the
//! answers to right and wrong requests, the buffering and redelivery of telemetry, the freeze between invocations (SIGSTOP),
//! resets after a timeout or a crash, two seconds for a shutdown and SIGKILL after it.
//!
//! [`Lambda`] is the handle; [`Settings`] what can be chosen. `lifecycle` decides what happens when, the three `*_api` files
//! answer requests, `delivery` sends telemetry, `snapshot` is SnapStart, `process` and `output` own the processes and what they print.

mod answer;
mod delivery;
mod environment;
mod event;
mod extensions_api;
mod identity;
mod invocation;
mod invoke;
mod lifecycle;
mod output;
mod platform;
mod process;
mod reaper;
mod runtime_api;
mod settings;
mod snapshot;
mod state;
mod telemetry_api;

pub use event::Event;
pub use invocation::{Invocation, Request, Status};
pub use lifecycle::Shutdown;
pub use platform::{Lambda, Readiness};
pub use settings::{Faults, Mode, Program, Settings};
