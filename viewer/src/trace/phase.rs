//! The platform's own parts of an invocation, which the extension sends as spans below it.

use lambdaview_queries::questions::trace::Span;

/// A part of an invocation that the platform tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The environment's start.
    Init,
    /// The environment's restoring from a snapshot.
    Restore,
    /// Until the response began.
    ResponseLatency,
    /// While the response was sent.
    ResponseDuration,
    /// After the response, until the runtime was ready again.
    RuntimeOverhead,
    /// What extensions took after the runtime was done: billed, and waited for by nobody.
    ExtensionOverhead,
}

impl Phase {
    /// The phase that a span is: the platform's parts are INTERNAL spans by these names.
    #[must_use]
    pub fn of(span: &Span) -> Option<Self> {
        if &*span.kind != "Internal" {
            return None;
        }
        match &*span.name {
            // A root `init` is that of an environment that no invocation waited for.
            "init" if is_platforms(span) => Some(Self::Init),
            "restore" if is_platforms(span) => Some(Self::Restore),
            "responseLatency" => Some(Self::ResponseLatency),
            "responseDuration" => Some(Self::ResponseDuration),
            "runtimeOverhead" => Some(Self::RuntimeOverhead),
            "extensionOverhead" => Some(Self::ExtensionOverhead),
            _ => None,
        }
    }

    /// What it is called on the screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Init => "INIT",
            Self::Restore => "RESTORE",
            Self::ResponseLatency => "until the response",
            Self::ResponseDuration => "sending the response",
            Self::RuntimeOverhead => "runtime, after the response",
            Self::ExtensionOverhead => "extensions, after the response",
        }
    }

    /// What it is called in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Restore => "restore",
            Self::ResponseLatency => "response_latency",
            Self::ResponseDuration => "response_duration",
            Self::RuntimeOverhead => "runtime_overhead",
            Self::ExtensionOverhead => "extension_overhead",
        }
    }

    /// Whether the invocation could not start before it was over.
    #[must_use]
    pub const fn is_start(self) -> bool {
        matches!(self, Self::Init | Self::Restore)
    }

    /// Whether it is the platform's view of time that the function's own spans tell of as well.
    #[must_use]
    pub const fn is_overlay(self) -> bool {
        matches!(self, Self::ResponseLatency | Self::ResponseDuration | Self::RuntimeOverhead)
    }
}

/// `init` and `restore` are names that a program may use too; the platform's have an id of the invocation or a phase.
fn is_platforms(span: &Span) -> bool {
    span.attribute("aws.lambda.init.phase").is_some() || span.attribute("faas.invocation_id").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(kind: &str, name: &str, attribute: &str) -> Span {
        let attributes = if attribute.is_empty() { Vec::new() } else { vec![(attribute.into(), "x".into())] };
        Span { kind: kind.into(), name: name.into(), attributes, ..Span::default() }
    }

    #[test]
    fn the_platforms_parts_are_told_from_spans_of_the_same_name() {
        assert_eq!(Phase::of(&span("Internal", "init", "aws.lambda.init.phase")), Some(Phase::Init));
        assert_eq!(Phase::of(&span("Internal", "restore", "faas.invocation_id")), Some(Phase::Restore));
        assert_eq!(Phase::of(&span("Internal", "init", "")), None);
        assert_eq!(Phase::of(&span("Client", "responseLatency", "")), None);
        assert_eq!(Phase::of(&span("Internal", "charge", "faas.invocation_id")), None);
    }
}
