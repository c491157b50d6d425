//! Lambda's own lines among those of a function: START, END, REPORT and what else the platform says.

use lambdaview_queries::questions::lines::Line;

use crate::args::Platform;

/// What a line of the platform's tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// `platform.start`
    Start,
    /// `platform.runtimeDone`, or the END of older days.
    End,
    /// `platform.report`
    Report,
    /// Anything else.
    Other,
}

/// What Lambda's lines begin with where their kind is not told by an attribute.
const WORDS: [(&str, Event); 10] = [
    ("START RequestId: ", Event::Start),
    ("END RequestId: ", Event::End),
    ("REPORT RequestId: ", Event::Report),
    ("INIT_START ", Event::Other),
    ("INIT_REPORT ", Event::Other),
    ("RESTORE_START ", Event::Other),
    ("RESTORE_REPORT ", Event::Other),
    ("EXTENSION\t", Event::Other),
    ("TELEMETRY\t", Event::Other),
    ("XRAY TraceId: ", Event::Other),
];

/// What the platform tells by `line`; nothing where the line is the function's. Faults and lost lines are nobody's to hide.
pub(super) fn event(line: &Line) -> Option<Event> {
    match line.attribute("type") {
        Some("platform.start") => Some(Event::Start),
        Some("platform.runtimeDone" | "platform.end") => Some(Event::End),
        Some("platform.report") => Some(Event::Report),
        Some("platform.fault" | "platform.logsDropped") => None,
        Some(other) if other.starts_with("platform.") => Some(Event::Other),
        _ => WORDS.iter().find(|(words, _)| line.body.starts_with(words)).map(|(_, event)| *event),
    }
}

impl Platform {
    /// Whether a line is shown.
    pub(super) fn shows(self, line: &Line) -> bool {
        match self {
            Self::Show => true,
            Self::Hide => event(line).is_none(),
            Self::Fold => matches!(event(line), None | Some(Event::Report)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(body: &str, kind: Option<&str>) -> Line {
        let attributes = kind.map(|kind| ("type".into(), kind.into())).into_iter().collect();
        Line { body: body.into(), attributes, ..Line::default() }
    }

    #[test]
    fn lambdas_lines_are_known_by_their_kind_or_their_words() {
        assert_eq!(event(&line("", Some("platform.report"))), Some(Event::Report));
        assert_eq!(event(&line("START RequestId: 7f3a", None)), Some(Event::Start));
        assert_eq!(event(&line("START of something", Some("function"))), None);
    }

    #[test]
    fn what_is_folded_leaves_the_report_and_no_fault_is_ever_hidden() {
        let lines = [
            line("START RequestId: 1", None),
            line("REPORT RequestId: 1", None),
            line("x", None),
            line("Task timed out", Some("platform.fault")),
        ];
        let shown = |platform: Platform| lines.iter().map(|line| platform.shows(line)).collect::<Vec<_>>();
        assert_eq!(shown(Platform::Show), [true; 4]);
        assert_eq!(shown(Platform::Fold), [false, true, true, true]);
        assert_eq!(shown(Platform::Hide), [false, false, true, true]);
    }
}
