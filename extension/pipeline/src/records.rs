//! The Telemetry API's wire types, read record by record so that an odd one never costs its batch.
//!
//! A delivery is cut into its records first, each then read alone; what cannot be read travels on as it came, in
//! [`Event::Unknown`]. Fields that AWS documents as optional, and those that only some kinds of execution send, are
//! optional here; fields we do not use are not read at all.

mod plain;
mod platform;
mod salvage;

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

use crate::flow::{
    UnixNanos,
    arrival::{Event, Line, Telemetry, Unknown},
};
use plain::Clock;
use salvage::Part;

/// Reads one delivery: a JSON array of records. Bytes that are not UTF-8 become U+FFFD, as CloudWatch shows them. Of a
/// delivery that is damaged every whole record is read.
///
/// They are handed over one by one: a list of them would be as large again as what is made of them. As long as each is as
/// documented they are read in one pass, plain lines at the speed of a search; from the first odd one on, a pass before it
/// tells where each record ends.
pub fn read(body: &[u8], mut take: impl FnMut(Telemetry)) {
    let text = lossy(body);
    let mut taken = 0;
    let mut counted = |telemetry| {
        taken += 1;
        take(telemetry);
    };
    if documented(&text, &mut counted).is_some() {
        return;
    }
    match serde_json::from_str::<Vec<&RawValue>>(&text) {
        Ok(records) => records.into_iter().skip(taken).for_each(|record| take(read_record(record.get()))),
        Err(_) => salvage::parts(salvage::behind(&text, taken), is_record, |part| match part {
            Part::Record(record) => take(read_record(record)),
            Part::Damaged("") if taken > 0 => {}
            Part::Damaged(piece) => take(unknown(0, "", piece, "a damaged delivery".to_owned())),
        }),
    }
}

/// Whether an object within a damaged delivery is a record.
fn is_record(object: &str) -> bool {
    serde_json::from_str::<Envelope<'_>>(object).is_ok_and(|envelope| envelope.record.is_some())
}

/// Takes the records before the first that is not as documented; `None` when there is one.
fn documented(text: &str, take: &mut impl FnMut(Telemetry)) -> Option<()> {
    let mut rest = behind_space(behind_space(text).strip_prefix('[')?);
    let mut clock = Clock::default();
    if is_end(rest) {
        return Some(());
    }
    loop {
        let (telemetry, behind) = plain::line(rest, &mut clock).or_else(|| any_record(rest))?;
        take(telemetry);
        let behind = behind_space(behind);
        if is_end(behind) {
            return Some(());
        }
        rest = behind.strip_prefix(',')?;
    }
}

fn is_end(text: &str) -> bool {
    text.strip_prefix(']').is_some_and(|behind| behind_space(behind).is_empty())
}

/// JSON's, which is not all that is space.
fn behind_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

/// The record at the head of `text`, and what stands behind it. Without its field `record` it may be a piece of a damaged
/// delivery.
fn any_record(text: &str) -> Option<(Telemetry, &str)> {
    let mut records = serde_json::Deserializer::from_str(text).into_iter::<Envelope<'_>>();
    let envelope = records.next()?.ok().filter(|envelope| envelope.record.is_some())?;
    Some((envelope.telemetry().ok()?, &text[records.byte_offset()..]))
}

fn read_record(raw: &str) -> Telemetry {
    match serde_json::from_str::<Envelope<'_>>(raw) {
        Ok(envelope) => {
            envelope.telemetry().unwrap_or_else(|why| unknown(envelope.time(), &envelope.event_type, raw, why))
        }
        Err(fault) => unknown(0, "", raw, format!("not a telemetry record: {}", position_free(&fault))),
    }
}

fn unknown(time: UnixNanos, event_type: &str, raw: &str, why: String) -> Telemetry {
    let unknown = Unknown { event_type: event_type.to_owned(), raw: raw.trim().to_owned(), why };
    Telemetry { time, event: Event::Unknown(unknown) }
}

/// The fault without serde's "at line 1 column 123", which would make every message of a fault another one.
fn position_free(fault: &serde_json::Error) -> String {
    let words = fault.to_string();
    words.split(" at line ").next().unwrap_or_default().to_owned()
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    time: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    event_type: Cow<'a, str>,
    #[serde(borrow, default)]
    record: Option<&'a RawValue>,
}

impl Envelope<'_> {
    /// What it says, or why that cannot be read.
    fn telemetry(&self) -> Result<Telemetry, String> {
        let event = event(&self.event_type, self.record.map_or("null", RawValue::get))?;
        Ok(Telemetry { time: self.time(), event })
    }

    fn time(&self) -> UnixNanos {
        let time = self.time.and_then(|time| serde_json::from_str::<&str>(time.get()).ok());
        time.and_then(rfc3339).unwrap_or(0)
    }
}

/// The one place where wire types become ours.
fn event(event_type: &str, record: &str) -> Result<Event, String> {
    Ok(match event_type {
        "function" => Event::Function(line(record)?),
        "extension" => Event::Extension(line(record)?),
        "platform.initStart" => Event::InitStart(parse::<platform::InitStart>(record)?.into()),
        "platform.initReport" => Event::InitReport(parse::<platform::InitReport>(record)?.into()),
        "platform.restoreStart" => Event::RestoreStart(parse::<platform::InitStart>(record)?.into()),
        "platform.restoreReport" => Event::RestoreReport(parse::<platform::InitReport>(record)?.into()),
        "platform.start" => Event::Start(Box::new(parse::<platform::Start>(record)?.into())),
        "platform.runtimeDone" => Event::RuntimeDone(Box::new(parse::<platform::End>(record)?.into())),
        "platform.report" => Event::Report(Box::new(parse::<platform::End>(record)?.into())),
        "platform.logsDropped" => Event::LogsDropped(parse::<platform::LogsDropped>(record)?.into()),
        "platform.extension" => Event::ExtensionState(parse::<platform::Extension>(record)?.into()),
        "platform.telemetrySubscription" => Event::Subscription(parse::<platform::Extension>(record)?.into()),
        "platform.fault" => Event::Fault(parse::<String>(record).unwrap_or_else(|_| record.to_owned())),
        "platform.initRuntimeDone" | "platform.restoreRuntimeDone" | "platform.end" => {
            Event::Noted { event_type: event_type.to_owned(), raw: record.to_owned() }
        }
        _ => return Err("unknown event type".to_owned()),
    })
}

fn parse<'a, T: Deserialize<'a>>(record: &'a str) -> Result<T, String> {
    serde_json::from_str(record).map_err(|fault| position_free(&fault))
}

fn line(record: &str) -> Result<Line, String> {
    let Some(string) = record.strip_prefix('"').and_then(|record| record.strip_suffix('"')) else {
        return Ok(Line::Json(record.to_owned()));
    };
    plain::unescaped(string).map_or_else(|| parse::<Lossy>(record).map(|text| text.0), Ok).map(Line::Text)
}

/// A JSON string whose lone surrogates (`\ud800`: half of a character cut in two) become U+FFFD instead of a fault.
struct Lossy(String);

impl<'de> Deserialize<'de> for Lossy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Lossy;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Lossy, E> {
                Ok(Lossy(lossy(bytes).into_owned()))
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

/// `String::from_utf8_lossy` walks through every text in pieces; the plain check, which nearly every text passes, is several
/// times faster.
fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

fn rfc3339(text: &str) -> Option<UnixNanos> {
    rfc3339_millis(text).or_else(|| rfc3339_of_any_form(text))
}

/// Of `2024-05-15T23:59:20.159Z`, the only form that the platform writes; chrono reads any, and takes several times as long.
fn rfc3339_millis(text: &str) -> Option<UnixNanos> {
    const FORM: &[u8; 24] = b"0000-00-00T00:00:00.000Z";
    let bytes = <&[u8; 24]>::try_from(text.as_bytes()).ok()?;
    let fits = |(c, form): (&u8, &u8)| if *form == b'0' { c.is_ascii_digit() } else { c == form };
    if !bytes.iter().zip(FORM).all(fits) {
        return None;
    }
    let number = |digits: &[u8]| digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    let year = i32::try_from(number(&bytes[..4])).ok()?;
    let date = chrono::NaiveDate::from_ymd_opt(year, number(&bytes[5..7]), number(&bytes[8..10]))?;
    let (hour, minute, second) = (number(&bytes[11..13]), number(&bytes[14..16]), number(&bytes[17..19]));
    let time = date.and_hms_milli_opt(hour, minute, second, number(&bytes[20..23]))?;
    u64::try_from(time.and_utc().timestamp_nanos_opt()?).ok()
}

fn rfc3339_of_any_form(text: &str) -> Option<UnixNanos> {
    let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    u64::try_from(time.timestamp_nanos_opt()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(body: &[u8]) -> Vec<Telemetry> {
        let mut all = Vec::new();
        read(body, |telemetry| all.push(telemetry));
        all
    }

    fn one(record: &str) -> Telemetry {
        let mut records = all(format!("[{record}]").as_bytes());
        assert_eq!(records.len(), 1);
        records.remove(0)
    }

    fn raw_of(telemetry: &Telemetry) -> &Unknown {
        match &telemetry.event {
            Event::Unknown(unknown) => unknown,
            other => panic!("not unknown: {other:?}"),
        }
    }

    #[test]
    fn a_line_is_kept_with_its_time() {
        let read = one(r#"{"time":"2022-10-19T13:52:15.636Z","type":"function","record":"plain\n"}"#);
        assert_eq!(read.time, 1_666_187_535_636_000_000);
        assert_eq!(read.event, Event::Function(Line::Text("plain\n".into())));
    }

    #[test]
    fn an_object_and_a_bare_number_are_kept_as_json() {
        let object = one(r#"{"time":"","type":"function","record":{"b":1, "a":2}}"#);
        assert_eq!(object.event, Event::Function(Line::Json(r#"{"b":1, "a":2}"#.into())));
        assert_eq!(one(r#"{"type":"extension","record":7}"#).event, Event::Extension(Line::Json("7".into())));
    }

    #[test]
    fn an_odd_record_costs_none_of_its_neighbours() {
        let body = br#"[{"type":"function","record":"a"}, 17, {"type":"platform.start","record":{}},
            {"type":"platform.brandNew","record":{"x":1}}, {"type":"function","record":"b"}]"#;
        let read = all(body);
        assert_eq!(read.len(), 5);
        assert_eq!(read[0].event, Event::Function(Line::Text("a".into())));
        assert_eq!(raw_of(&read[1]).raw, "17");
        assert_eq!(raw_of(&read[2]).why, "missing field `requestId`");
        assert_eq!(raw_of(&read[3]).event_type, "platform.brandNew");
        assert_eq!(raw_of(&read[3]).raw, r#"{"type":"platform.brandNew","record":{"x":1}}"#);
        assert_eq!(read[4].event, Event::Function(Line::Text("b".into())));
    }

    #[test]
    fn half_a_surrogate_and_bytes_that_are_no_text_become_replacement_characters() {
        let half = one(r#"{"type":"function","record":"a\ud800b\u0000"}"#);
        assert_eq!(half.event, Event::Function(Line::Text("a\u{fffd}\u{fffd}\u{fffd}b\0".into())));
        let rubbish = all(b"[{\"type\":\"function\",\"record\":\"\xff\xfe\"}]");
        assert_eq!(rubbish[0].event, Event::Function(Line::Text("\u{fffd}\u{fffd}".into())));
    }

    #[test]
    fn a_record_that_only_the_first_pass_knows_as_one_costs_no_other_behind_the_damage() {
        let body =
            br#"[{"odd":1,"type":"function","record":"a"},{"type":"function","rec,{"type":"function","record":"b"}]"#;
        let read = all(body);
        assert_eq!(read[0].event, Event::Function(Line::Text("a".into())));
        assert_eq!(raw_of(&read[1]).raw, r#"{"type":"function","rec"#);
        assert_eq!(read[2].event, Event::Function(Line::Text("b".into())));
        assert_eq!(read.len(), 3);
        assert_eq!(all(br#"[{"odd":1,"type":"function","record":"a"},"#).len(), 1, "nothing stands behind it");
    }

    #[test]
    fn a_delivery_that_is_no_array_is_one_unknown_record() {
        assert_eq!(raw_of(&all(b"[{\"type\":\"func")[0]).raw, "[{\"type\":\"func");
        assert!(all(b"[]").is_empty());
    }

    proptest! {
        #[test]
        fn the_platforms_times_are_read_as_chrono_reads_them(
            year in 1960..2300, rest in proptest::array::uniform6(0..70_u32), millis in 0..1000_u32
        ) {
            let [month, day, hour, minute, second, _] = rest;
            let text = format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z");
            // Leap seconds are left to chrono.
            prop_assert!(rfc3339_millis(&text).is_none_or(|time| Some(time) == rfc3339_of_any_form(&text)));
            let (month, day, hour) = (month % 12 + 1, day % 28 + 1, hour % 24);
            let text = format!("{year}-{month:02}-{day:02}T{hour:02}:{:02}:{:02}.{millis:03}Z", minute % 60, second % 60);
            prop_assert_eq!(rfc3339_millis(&text), rfc3339_of_any_form(&text));
        }
    }

    #[test]
    fn times_of_every_other_form_are_left_to_chrono() {
        for text in ["2024-05-15T23:59:20Z", "2024-05-15T23:59:20.159123Z", "2024-05-15T23:59:20.159+00:00", "soon"] {
            assert_eq!(rfc3339_millis(text), None, "{text}");
            assert_eq!(rfc3339(text), rfc3339_of_any_form(text), "{text}");
        }
        assert!(rfc3339("2024-05-15T23:59:20.159123Z").is_some());
    }
}
