//! Lines as the platform nearly always sends them:
//! `{"time":"2024-05-15T23:59:20.159Z","type":"function","record":"charged\n"}`.
//!
//! No space between the fields, which come in any order, and no escape but that of the line's newline. Such a record is read
//! by a search for its quotes, several times faster than any JSON; every other one is left to serde, which also judges what
//! is none.

use memchr::memchr;

use super::rfc3339_millis;
use crate::{
    eights::has_control,
    flow::{
        UnixNanos,
        arrival::{Event, Line, Telemetry},
    },
};

/// The line at the head of `text`, and what stands behind it.
pub(super) fn line<'a>(text: &'a str, clock: &mut Clock<'a>) -> Option<(Telemetry, &'a str)> {
    let mut fields = [None; 3];
    let mut rest = text.strip_prefix('{')?;
    loop {
        let (nth, value) = FIELDS.iter().enumerate().find_map(|(nth, name)| Some((nth, rest.strip_prefix(*name)?)))?;
        let (value, behind) = to_quote(value)?;
        if fields[nth].replace(value).is_some() {
            return None;
        }
        if let Some(behind) = behind.strip_prefix('}') {
            let [time, stream, record] = fields;
            return Some((telemetry(clock.read(time?)?, stream?, record?)?, behind));
        }
        rest = behind.strip_prefix(',')?;
    }
}

/// How each of a record's three fields begins.
const FIELDS: [&str; 3] = ["\"time\":\"", "\"type\":\"", "\"record\":\""];

fn telemetry(time: UnixNanos, stream: &str, record: &str) -> Option<Telemetry> {
    let event = match stream {
        "function" => Event::Function,
        "extension" => Event::Extension,
        _ => return None,
    };
    Some(Telemetry { time, event: event(Line::Text(unescaped(record)?)) })
}

/// What stands before the next quote (an escape in it is for [`unescaped`] to see), and behind it.
fn to_quote(text: &str) -> Option<(&str, &str)> {
    let end = memchr(b'"', text.as_bytes())?;
    Some((&text[..end], &text[end + 1..]))
}

/// The text of a JSON string without its quotes. Hardly a line has another escape than that of its newline, and what has
/// none need not be unescaped; `None` for the others, and for what no JSON string has in it.
pub(super) fn unescaped(string: &str) -> Option<String> {
    let (text, newline) = string.strip_suffix("\\n").map_or((string, ""), |text| (text, "\n"));
    let is_plain = memchr(b'\\', text.as_bytes()).is_none() && !has_control(text.as_bytes());
    is_plain.then(|| [text, newline].concat())
}

/// Reads times in the form in which the platform writes them. Lines come by the thousand in one second, which is read once.
#[derive(Debug, Default)]
pub(super) struct Clock<'a> {
    second: &'a str,
    at: UnixNanos,
}

impl<'a> Clock<'a> {
    /// The length of `2024-05-15T23:59:20.`
    const SECOND: usize = 20;
    const MILLI: UnixNanos = 1_000_000;

    fn read(&mut self, text: &'a str) -> Option<UnixNanos> {
        let (second, rest) = text.split_at_checked(Self::SECOND)?;
        let [hundreds, tens, ones, b'Z'] = *rest.as_bytes() else { return None };
        let mut millis = 0;
        for digit in [hundreds, tens, ones] {
            millis = 10 * millis + UnixNanos::from(digit.is_ascii_digit().then(|| digit - b'0')?);
        }
        if second != self.second {
            self.at = rfc3339_millis(text)?.checked_sub(millis * Self::MILLI)?;
            self.second = second;
        }
        Some(self.at + millis * Self::MILLI)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TIME: &str = "2024-05-15T23:59:20.159Z";

    fn read(text: &str) -> Option<(Telemetry, &str)> {
        line(text, &mut Clock::default())
    }

    #[test]
    fn a_line_is_read_whatever_the_order_of_its_fields_and_whatever_stands_behind_it() {
        let text = Telemetry { time: 1_715_817_560_159_000_000, event: Event::Function(Line::Text("é 7\n".into())) };
        let fields = [format!(r#""time":"{TIME}""#), r#""type":"function""#.into(), r#""record":"é 7\n""#.into()];
        for [a, b, c] in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
            let record = format!("{{{},{},{}}},x", fields[a], fields[b], fields[c]);
            assert_eq!(read(&record), Some((text.clone(), ",x")), "{record}");
        }
    }

    #[test]
    fn whatever_else_is_left_to_serde() {
        for (field, others) in [
            (r#""time":"2024-05-15T23:59:20Z""#, r#""type":"function","record":"a""#),
            (r#""type":"platform.fault""#, r#""time":"2024-05-15T23:59:20.159Z","record":"a""#),
            (r#""type":"function""#, r#""time":"2024-05-15T23:59:20.159Z""#),
            (r#""record":{}"#, r#""time":"2024-05-15T23:59:20.159Z","type":"function""#),
            (r#""record":"a\tb""#, r#""time":"2024-05-15T23:59:20.159Z","type":"function""#),
            (r#""record":"a","record":"b""#, r#""time":"2024-05-15T23:59:20.159Z","type":"function""#),
            (r#""record":"a","new":"b""#, r#""time":"2024-05-15T23:59:20.159Z","type":"function""#),
            ("\"record\":\"a\u{1}\"", r#""time":"2024-05-15T23:59:20.159Z","type":"function""#),
            (r#""record" : "a""#, r#""time":"2024-05-15T23:59:20.159Z","type":"function""#),
        ] {
            assert_eq!(read(&format!("{{{others},{field}}}")), None, "{field}");
        }
        assert_eq!(read(r#"{"time":"2024-05-15T23:59:20.159Z","type":"function","record":"a"#), None);
    }

    proptest! {
        #[test]
        fn a_text_without_escapes_is_what_the_parser_makes_of_it(
            text in r#"([a-zé "\\\t]|\\n){0,12}"#, newline in "(\n|\\\\n|)"
        ) {
            let raw = serde_json::to_string(&format!("{text}{newline}")).unwrap();
            let parsed: String = serde_json::from_str(&raw).unwrap();
            let unescaped = unescaped(&raw[1..raw.len() - 1]);
            prop_assert!(unescaped.as_ref().is_none_or(|unescaped| *unescaped == parsed));
            if !text.contains(['"', '\\', '\t', '\n']) && newline != "\\n" {
                prop_assert_eq!(unescaped, Some(parsed));
            }
        }

        #[test]
        fn times_of_one_second_and_of_others_are_read_as_each_by_itself(
            times in prop::collection::vec((20..23_u32, 0..1000_u32, "[Z0]?"), 1..6)
        ) {
            let times: Vec<String> = times.iter().map(|(s, ms, end)| format!("2024-05-15T23:59:{s}.{ms:03}{end}")).collect();
            let mut clock = Clock::default();
            for time in &times {
                prop_assert_eq!(clock.read(time), rfc3339_millis(time), "{}", time);
            }
        }
    }
}
