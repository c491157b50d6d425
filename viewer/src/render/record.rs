//! A log line in the forms that programs and people share: text alone, logfmt, CSV, everything on one line.

use std::fmt::Write as _;

use lambdaview_queries::questions::lines::Line;

use super::{
    json,
    line::{Place, function, lateness},
};
use crate::{
    format::{inert_into, rfc3339, without_runtime_prefix},
    zone::Moment,
};

/// The heading of the CSV form.
pub(super) const CSV_HEADING: &str =
    "time,function,service,severity,severity_number,invocation_id,trace_id,span_id,body,attributes,late_ms\n";

/// Said by a field of its own.
const INVOCATION_ID: &str = "faas.invocation_id";

/// The text alone, with its line breaks and tabs.
pub(super) fn raw(line: &Line, into: &mut String) {
    for (number, part) in line.body.trim_end_matches('\n').split(['\n', '\t']).enumerate() {
        if number > 0 {
            // What was split at stands just before the part.
            let at = part.as_ptr() as usize - line.body.as_ptr() as usize;
            into.push(char::from(line.body.as_bytes()[at - 1]));
        }
        inert_into(part.strip_suffix('\r').unwrap_or(part), into);
    }
    into.push('\n');
}

/// `time=... level=error function=charge ... msg="card declined" order=9912`
pub(super) fn logfmt(line: &Line, place: Place, into: &mut String) {
    write!(into, "time={}", rfc3339(line.time)).expect("writing to a String");
    let fields = [
        ("level", severity(line)),
        ("function", function(line)),
        ("service", &line.service),
        ("invocation_id", &line.invocation_id),
        ("trace_id", &line.trace_id),
        ("span_id", &line.span_id),
    ];
    for (key, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        into.push(' ');
        pair(key, value, into);
    }
    into.push(' ');
    pair("msg", without_runtime_prefix(&line.body, &line.invocation_id).trim_end(), into);
    for (key, value) in line.attributes.iter().filter(|(key, _)| &**key != INVOCATION_ID) {
        into.push(' ');
        pair(key, value, into);
    }
    if let Some(late) = place.late {
        write!(into, " late_ms={}", late / 1_000_000).expect("writing to a String");
    }
    into.push('\n');
}

/// A row of the CSV form.
pub(super) fn csv(line: &Line, place: Place, into: &mut String) {
    into.push_str(&rfc3339(line.time));
    let number = line.severity_number.to_string();
    let attributes = json::object(&line.attributes);
    let late = place.late.map(|late| (late / 1_000_000).to_string()).unwrap_or_default();
    let cells: [&str; 10] = [
        function(line),
        &line.service,
        severity(line),
        &number,
        &line.invocation_id,
        &line.trace_id,
        &line.span_id,
        &line.body,
        &attributes,
        &late,
    ];
    for value in cells {
        into.push(',');
        cell(value, into);
    }
    into.push('\n');
}

/// Everything that is known of a line, on one line.
pub(super) fn detailed(line: &Line, place: Place, moment: Moment, into: &mut String) {
    moment.full(into);
    let or_dash = |text| if str::is_empty(text) { "-" } else { text };
    for field in [function(line), severity(line), &line.invocation_id, &line.trace_id, &line.span_id] {
        into.push(' ');
        inert_into(or_dash(field), into);
    }
    into.push(' ');
    inert_into(line.body.trim_end(), into);
    for (key, value) in line.attributes.iter().filter(|(key, _)| &**key != INVOCATION_ID) {
        into.push(' ');
        pair(key, value, into);
    }
    if let Some(late) = place.late {
        into.push_str(" late +");
        into.push_str(&lateness(late));
    }
    into.push('\n');
}

/// The severity in the program's words, else in OpenTelemetry's.
fn severity(line: &Line) -> &str {
    match line.severity_number {
        _ if !line.severity.is_empty() => &line.severity,
        1..=4 => "trace",
        5..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warn",
        17..=20 => "error",
        21.. => "fatal",
        0 => "",
    }
}

/// `key=value`, quoted where it must be.
pub(super) fn pair(key: &str, value: &str, into: &mut String) {
    let is_plain = |c: char| !c.is_whitespace() && !"=\"".contains(c);
    inert_into(&key.replace(|c| !is_plain(c), "_"), into);
    into.push('=');
    if !value.is_empty() && value.chars().all(|c| is_plain(c) && c != '\\') {
        inert_into(value, into);
        return;
    }
    into.push('"');
    for piece in value.split_inclusive(['"', '\\', '\n', '\r', '\t']) {
        let last = piece.chars().next_back().unwrap_or_default();
        let escaped = ["\"\"", "\\\\", "\nn", "\rr", "\tt"].iter().find(|pair| pair.starts_with(last));
        match escaped {
            None => inert_into(piece, into),
            Some(pair) => {
                inert_into(&piece[..piece.len() - last.len_utf8()], into);
                into.push('\\');
                into.push_str(&pair[1..]);
            }
        }
    }
    into.push('"');
}

/// A cell of a row, quoted where it must be. Line breaks stand in quoted cells as they are.
pub(crate) fn cell(value: &str, into: &mut String) {
    if !value.contains([',', '"', '\n', '\r']) {
        inert_into(value, into);
        return;
    }
    into.push('"');
    for (number, part) in value.split('\n').enumerate() {
        if number > 0 {
            into.push('\n');
        }
        inert_into(&part.strip_suffix('\r').unwrap_or(part).replace('"', "\"\""), into);
    }
    into.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::acts_on_terminal;

    const HOSTILE: &str = "\x1b[2J\u{9b}2J\u{202e}\x07";

    fn line(body: &str) -> Line {
        Line {
            time: 1_795_356_131_204_000_000,
            severity_number: 17,
            service: "charge".into(),
            invocation_id: "7f3a91c2".into(),
            trace_id: "5f84c7a1".into(),
            attributes: vec![("order id".into(), "9912".into()), ("note".into(), "say \"hi\"\n".into())],
            body: body.into(),
            ..Line::default()
        }
    }

    fn late() -> Place {
        Place { late: Some(3_240_000_000), context: false }
    }

    fn written(write: impl FnOnce(&mut String)) -> String {
        let mut text = String::new();
        write(&mut text);
        text
    }

    #[test]
    fn the_text_alone_keeps_its_line_breaks_and_tabs() {
        assert_eq!(written(|text| raw(&line("a\tb\r\n\tc\n"), text)), "a\tb\n\tc\n");
    }

    #[test]
    fn each_form_is_one_row_with_everything_in_its_place() {
        let moment = crate::zone::Clock::new(crate::format::Zone::Utc).read(line("").time);
        let shown = [
            written(|text| logfmt(&line("card \"declined\""), late(), text)),
            written(|text| csv(&line("card, declined"), late(), text)),
            written(|text| csv(&line("plain"), Place::default(), text)),
            written(|text| detailed(&line("card\ndeclined"), late(), moment, text)),
        ];
        insta::assert_snapshot!(shown.concat(), @r#"
        time=2026-11-22T14:02:11.204000000Z level=error function=charge service=charge invocation_id=7f3a91c2 trace_id=5f84c7a1 msg="card \"declined\"" order_id=9912 note="say \"hi\"\n" late_ms=3240
        2026-11-22T14:02:11.204000000Z,charge,charge,error,17,7f3a91c2,5f84c7a1,,"card, declined","{""note"":""say \""hi\""\n"",""order id"":""9912""}",3240
        2026-11-22T14:02:11.204000000Z,charge,charge,error,17,7f3a91c2,5f84c7a1,,plain,"{""note"":""say \""hi\""\n"",""order id"":""9912""}",
        2026-11-22T14:02:11.204Z charge error 7f3a91c2 5f84c7a1 - card␊declined order_id=9912 note="say \"hi\"\n" late +3.2s
        "#);
    }

    #[test]
    fn no_form_lets_a_log_act_on_the_terminal() {
        let hostile =
            Line { attributes: vec![(HOSTILE.into(), HOSTILE.into())], service: HOSTILE.into(), ..line(HOSTILE) };
        let moment = crate::zone::Clock::new(crate::format::Zone::Utc).read(0);
        for shown in [
            written(|text| raw(&hostile, text)),
            written(|text| logfmt(&hostile, late(), text)),
            written(|text| csv(&hostile, late(), text)),
            written(|text| detailed(&hostile, late(), moment, text)),
        ] {
            assert!(!shown.trim_end().chars().any(acts_on_terminal), "{shown:?}");
        }
    }
}
