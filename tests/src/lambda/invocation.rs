//! What goes into an invocation and what came out of it, as its caller and a watch on the platform see it.

use serde_json::Value;
use std::time::Duration;

/// What a caller sends.
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) payload: Value,
    pub(super) trace: Option<String>,
    pub(super) tenant: Option<String>,
}

impl Request {
    /// An event for the function.
    #[must_use]
    pub fn new(payload: Value) -> Self {
        Self { payload, trace: None, tenant: None }
    }

    /// The caller's own X-Ray header (`Root=...;Parent=...;Sampled=1`).
    #[must_use]
    pub fn trace(mut self, header: &str) -> Self {
        self.trace = Some(header.to_owned());
        self
    }

    /// The tenant on whose behalf it is.
    #[must_use]
    pub fn tenant(mut self, tenant: &str) -> Self {
        self.tenant = Some(tenant.to_owned());
        self
    }
}

impl From<Value> for Request {
    fn from(payload: Value) -> Self {
        Self::new(payload)
    }
}

/// How an invocation ended, in the words of `platform.report`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The function answered.
    Success,
    /// The function answered with an error.
    Error,
    /// The runtime or an extension died.
    Failure,
    /// The timeout struck.
    Timeout,
}

impl Status {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Failure => "failure",
            Self::Timeout => "timeout",
        }
    }
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Lambda's id of it.
    pub request_id: String,
    /// The X-Ray header that the function saw.
    pub trace: String,
    /// The OpenTelemetry trace id in that header.
    pub trace_id: String,
    /// How it ended.
    pub status: Status,
    /// The function's answer, or the error as a caller gets it.
    pub payload: Value,
    /// From the event to the whole answer, as the caller waits.
    pub latency: Duration,
    /// How long the extensions held the environment after the runtime was done: billed, but not waited for.
    pub held: Duration,
    /// Of that, until the platform told a subscriber that the runtime was done; none where it has told nobody yet.
    pub told: Option<Duration>,
    /// Of that, until the last extension asked for its next event: zero where it had asked before.
    pub asked: Option<Duration>,
}

impl Invocation {
    /// What of the hold is the extensions' own: from when they could know that the runtime was done.
    #[must_use]
    pub fn held_by_extensions(&self) -> Duration {
        let asked = self.asked.unwrap_or(self.held);
        asked.saturating_sub(self.told.unwrap_or_default())
    }
}
