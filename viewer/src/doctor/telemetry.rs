//! What a function sends, and what is missing from it.

use lambdaview_queries::questions::health::{Dropped, Lines, Spans};

use super::Check;
use crate::{
    ask::Nanos,
    format::{ago, count, duration, plural},
};

/// What was found out about a function in a stretch of time.
#[derive(Clone, Debug, Default)]
pub struct Telemetry<'a> {
    /// The function.
    pub function: &'a str,
    /// Its lines.
    pub lines: Lines,
    /// Its spans.
    pub spans: Spans,
    /// What its extension dropped; `None` where nobody keeps that.
    pub dropped: Option<Vec<Dropped>>,
    /// The server's clock.
    pub now: Nanos,
}

/// An extension that costs an invocation more than this is worth a look.
const DEAR: u64 = 100_000_000;

/// Looks at all of it.
#[must_use]
pub fn telemetry(found: &Telemetry<'_>) -> Vec<Check> {
    let Telemetry { function, lines, spans, .. } = found;
    if lines.lines == 0 && spans.invocations == 0 {
        let next = "a longer --since; is the extension's layer on the function?";
        return vec![Check::fail(function, "sent nothing in this stretch of time", next)];
    }
    vec![arrival(found), sender(found), ids(found), gaps(found), overhead(found)]
}

fn name(function: &str, what: &str) -> String {
    format!("{function} {what}")
}

fn arrival(found: &Telemetry<'_>) -> Check {
    let Telemetry { function, lines, spans, now, .. } = found;
    let name = name(function, "arrival");
    let newest = if lines.last > 0 { format!(", the newest {} old", ago(lines.last, *now)) } else { String::new() };
    let says = format!("{}{newest}, {}", plural(lines.lines, "line"), plural(spans.invocations, "invocation"));
    if lines.ahead > 0 {
        let ahead = plural(lines.ahead, "line");
        return Check::warn(
            &name,
            format!("{says}; {ahead} from the future: some clock is ahead"),
            "the clock of whoever sets these times",
        );
    }
    if spans.invocations == 0 {
        return Check::warn(
            &name,
            format!("{says}: no SERVER span tells of an invocation"),
            "our extension makes one for each; other senders need an OpenTelemetry SDK in the function",
        );
    }
    Check::ok(&name, says)
}

fn sender(found: &Telemetry<'_>) -> Check {
    let Lines { distro, version, .. } = &found.lines;
    let name = name(found.function, "sender");
    match (&**distro, &**version) {
        ("", _) => Check::ok(&name, "does not say what sent it: not our extension"),
        (distro, version) => Check::ok(&name, format!("{distro} {version}")),
    }
}

fn ids(found: &Telemetry<'_>) -> Check {
    let Lines { lines, without_trace, without_span, without_invocation, .. } = &found.lines;
    let name = name(found.function, "ids");
    let part = |without: &u64| format!("{:.0}%", 100.0 * *without as f64 / (*lines).max(1) as f64);
    let says = format!(
        "lines without a request id {}, without a trace id {}, without a span id {}",
        part(without_invocation),
        part(without_trace),
        part(without_span),
    );
    if *without_invocation * 2 > *lines {
        return Check::warn(
            &name,
            format!("{says}: most lines belong to no invocation"),
            "our extension gives each line its invocation; or log faas.invocation_id",
        );
    }
    if *without_trace == *lines && *lines > 0 {
        let next = "active tracing on the function, or an OpenTelemetry SDK in it: invocations are found by request id meanwhile";
        return Check::warn(&name, format!("{says}: no line has a trace"), next);
    }
    // A line without a span id is placed by its request id: that is no fault.
    Check::ok(&name, says)
}

fn gaps(found: &Telemetry<'_>) -> Check {
    let name = name(found.function, "gaps");
    let dropped = found.dropped.as_deref().unwrap_or_default();
    if found.lines.drops == 0 && dropped.is_empty() {
        let known = if found.dropped.is_some() {
            "nor does the extension"
        } else {
            "the extension's own counters are not here"
        };
        return Check::ok(&name, format!("the platform reports no dropped lines, {known}"));
    }
    let mut reasons = Vec::new();
    if found.lines.drops > 0 {
        reasons.push(format!("the platform dropped lines {} (platform.logsDropped)", times(found.lines.drops)));
    }
    reasons.extend(
        dropped.iter().map(|one| {
            format!("the extension dropped {} {}: {}", count(one.records as u64), &*one.signal, &*one.reason)
        }),
    );
    let next = "the backend's health first; then LAMBDAVIEW_MEMORY_LIMIT, LAMBDAVIEW_SPOOL_LIMIT, or fewer lines";
    Check::warn(&name, reasons.join("; "), next)
}

fn times(number: u64) -> String {
    if number == 1 { "once".to_owned() } else { format!("{} times", count(number)) }
}

fn overhead(found: &Telemetry<'_>) -> Check {
    let Spans { overheads, overhead, .. } = found.spans;
    let name = name(found.function, "overhead");
    if overheads == 0 {
        return Check::ok(&name, "unknown: the platform's reports of it are not here");
    }
    let each = overhead / overheads;
    let says = format!(
        "extensions take {} after the response, on average over {}",
        duration(each),
        plural(overheads, "invocation")
    );
    if each > DEAR {
        return Check::warn(&name, says, "LAMBDAVIEW_FLUSH=background; a backend nearer to the function");
    }
    Check::ok(&name, says)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn well() -> Telemetry<'static> {
        Telemetry {
            function: "pay",
            lines: Lines {
                lines: 100,
                without_span: 60,
                last: 1,
                distro: "lambdaview".into(),
                version: "0.1.0".into(),
                ..Lines::default()
            },
            spans: Spans { invocations: 10, overheads: 10, overhead: 50_000_000 },
            dropped: Some(Vec::new()),
            now: 3_000_000_000,
        }
    }

    fn worst(found: &Telemetry<'_>) -> (String, State) {
        let checks = telemetry(found);
        let worst = checks.iter().max_by_key(|check| check.state).unwrap();
        (worst.name.clone(), worst.state)
    }

    #[test]
    fn each_fault_of_telemetry_is_told() {
        assert_eq!(worst(&well()).1, State::Ok, "{:?}", telemetry(&well()));
        let with = |change: fn(&mut Telemetry<'static>)| {
            let mut found = well();
            change(&mut found);
            worst(&found)
        };
        let warned = |name: &str| (format!("pay {name}"), State::Warn);
        assert_eq!(with(|found| found.lines.ahead = 1), warned("arrival"));
        assert_eq!(with(|found| found.spans.invocations = 0), warned("arrival"));
        assert_eq!(with(|found| found.lines.without_trace = 100), warned("ids"));
        assert_eq!(with(|found| found.lines.without_invocation = 60), warned("ids"));
        assert_eq!(with(|found| found.lines.drops = 1), warned("gaps"));
        assert_eq!(with(|found| found.spans.overhead = 20_000_000_000), warned("overhead"));
        let dropped = |found: &mut Telemetry<'static>| {
            found.dropped = Some(vec![Dropped { signal: "logs".into(), reason: "buffer_full".into(), records: 3.0 }]);
        };
        assert_eq!(with(dropped), warned("gaps"));
        assert_eq!(worst(&Telemetry { function: "pay", ..Telemetry::default() }), ("pay".to_owned(), State::Fail));
    }
}
