//! Lines as the platform nearly always sends them:
//! `{"time":"2024-05-15T23:59:20.159Z","type":"function","record":"charged\n"}`.
//!
//! No space between the fields, which come in any order, and no escape but that of the line's newline. Such a record is read
//! by a look at where its quotes stand, several times faster than any JSON; every other one is left to serde, which also judges
//! what is none.

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
    let (mut time, mut stream, mut record) = (None, None, None);
    let mut rest = text.strip_prefix('{')?;
    loop {
        let behind = if let Some(value) = rest.strip_prefix("\"record\":\"") {
            let (text, behind) = to_quote(value)?;
            once(&mut record, text)?;
            behind
        } else if let Some(value) = rest.strip_prefix("\"time\":\"") {
            // Its form is looked at by the clock: a quote in it would be none of a time.
            let (text, behind) = value.split_at_checked(TIME)?;
            once(&mut time, text)?;
            behind.strip_prefix('"')?
        } else {
            let (word, behind) = stream_in(rest.strip_prefix("\"type\":\"")?)?;
            once(&mut stream, word)?;
            behind
        };
        if let Some(behind) = behind.strip_prefix('}') {
            let (time, line) = (clock.read(time?)?, Line::Text(unescaped(record?)?));
            return Some((Telemetry { time, event: stream?(line) }, behind));
        }
        rest = behind.strip_prefix(',')?;
    }
}

/// A field that comes twice is left to serde.
fn once<T>(field: &mut Option<T>, value: T) -> Option<()> {
    field.replace(value).is_none().then_some(())
}

/// The length of `2024-05-15T23:59:20.159Z`.
const TIME: usize = 24;

/// What a line of a stream becomes.
type OfStream = fn(Line) -> Event;

/// The streams that lines come from; every other type is an event's.
fn stream_in(value: &str) -> Option<(OfStream, &str)> {
    let function = || Some((Event::Function as OfStream, value.strip_prefix("function\"")?));
    function().or_else(|| Some((Event::Extension as OfStream, value.strip_prefix("extension\"")?)))
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
    is_plain.then(|| {
        let mut unescaped = String::with_capacity(text.len() + newline.len());
        unescaped.push_str(text);
        unescaped.push_str(newline);
        unescaped
    })
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

    const AT: &str = "2024-05-15T23:59:20.159Z";

    fn read(text: &str) -> Option<(Telemetry, &str)> {
        line(text, &mut Clock::default())
    }

    #[test]
    fn a_line_is_read_whatever_the_order_of_its_fields_and_whatever_stands_behind_it() {
        let text = Telemetry { time: 1_715_817_560_159_000_000, event: Event::Function(Line::Text("é 7\n".into())) };
        let fields = [format!(r#""time":"{AT}""#), r#""type":"function""#.into(), r#""record":"é 7\n""#.into()];
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
