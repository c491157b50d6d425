//! Telemetry events: how the platform words them in each schema version. Pure.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

/// Which of the three streams an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Platform,
    Function,
    Extension,
}

impl Stream {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Function => "function",
            Self::Extension => "extension",
        }
    }
}

/// The schema versions of the Telemetry API, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Schema {
    V2022_07_01,
    V2022_12_13,
    V2025_01_29,
}

impl Schema {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "2022-07-01" => Some(Self::V2022_07_01),
            "2022-12-13" => Some(Self::V2022_12_13),
            "2025-01-29" => Some(Self::V2025_01_29),
            _ => None,
        }
    }
}

/// Something that the platform tells its telemetry subscribers.
#[derive(Clone, Debug)]
pub struct Event {
    /// When the platform created it.
    pub time: DateTime<Utc>,
    /// Its `type`, such as `platform.start` or `function`.
    pub kind: String,
    /// Its `record` in the newest schema.
    pub record: Value,
    /// The record as text, for schemas that know no objects in function records.
    text: Option<String>,
}

impl Event {
    /// An event of the platform itself.
    pub(super) fn platform(time: DateTime<Utc>, kind: &str, record: Value) -> Self {
        Self { time, kind: kind.to_owned(), record, text: None }
    }

    /// A record that the function or an extension wrote; an object if the function logs JSON and this is an object.
    pub(super) fn written(time: DateTime<Utc>, stream: Stream, text: String, json_logs: bool) -> Self {
        let object = json_logs.then(|| serde_json::from_str::<Map<String, Value>>(&text).ok()).flatten();
        let record = object.map_or_else(|| Value::String(text.clone()), Value::Object);
        Self { time, kind: stream.as_str().to_owned(), record, text: Some(text) }
    }

    pub(super) fn stream(&self) -> Stream {
        match self.kind.as_str() {
            "function" => Stream::Function,
            "extension" => Stream::Extension,
            _ => Stream::Platform,
        }
    }

    /// The JSON that a subscriber of `schema` gets.
    pub(super) fn render(&self, schema: Schema) -> Value {
        json!({ "time": stamp(self.time), "type": self.kind, "record": self.record_in(schema) })
    }

    fn record_in(&self, schema: Schema) -> Value {
        let mut record = match &self.text {
            Some(text) if schema < Schema::V2022_12_13 => Value::String(text.clone()),
            _ => self.record.clone(),
        };
        if schema < Schema::V2022_12_13
            && self.kind == "platform.initStart"
            && let Some(fields) = record.as_object_mut()
        {
            fields.retain(|name, _| {
                ["initializationType", "phase", "runtimeVersion", "runtimeVersionArn"].contains(&name.as_str())
            });
        }
        record
    }
}

/// A time as the platform writes it: milliseconds and `Z`.
pub(super) fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time() -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_795_376_349_674).unwrap()
    }

    #[test]
    fn a_json_log_is_an_object_from_the_second_schema_on() {
        let event = Event::written(time(), Stream::Function, "{\"level\":\"INFO\"}\n".into(), true);
        assert_eq!(event.render(Schema::V2025_01_29)["record"], json!({"level": "INFO"}));
        assert_eq!(event.render(Schema::V2022_07_01)["record"], json!("{\"level\":\"INFO\"}\n"));
    }

    #[test]
    fn json_in_a_text_log_stays_text() {
        let event = Event::written(time(), Stream::Function, "{\"level\":\"INFO\"}\n".into(), false);
        assert_eq!(event.render(Schema::V2025_01_29)["record"], json!("{\"level\":\"INFO\"}\n"));
    }

    #[test]
    fn an_array_or_number_is_no_json_log() {
        for text in ["[1]\n", "17\n"] {
            let event = Event::written(time(), Stream::Function, text.into(), true);
            assert_eq!(event.record, json!(text));
        }
    }

    #[test]
    fn the_oldest_schema_knows_less_of_init() {
        let record = json!({"initializationType": "on-demand", "phase": "init", "functionName": "orders"});
        let event = Event::platform(time(), "platform.initStart", record);
        assert_eq!(
            event.render(Schema::V2022_07_01)["record"],
            json!({"initializationType": "on-demand", "phase": "init"})
        );
        assert_eq!(event.render(Schema::V2022_12_13)["record"]["functionName"], "orders");
    }

    #[test]
    fn times_have_milliseconds_and_a_z() {
        assert!(stamp(time()).ends_with(".674Z"), "{}", stamp(time()));
    }
}
