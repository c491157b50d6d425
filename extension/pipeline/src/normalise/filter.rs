//! The user's two regular expressions: which lines are left out, and what is blacked out in all others.
//!
//! A line is matched as it is delivered, JSON as JSON. What is blacked out is sought in each text by itself, with JSON's escapes
//! undone: a pattern that goes as far as it can ends where the text does, and what is JSON stays JSON.

use std::borrow::Cow;

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, KeyValue, any_value::Value as Any},
    logs::v1::{LogRecord, ResourceLogs},
};
use regex_lite::{NoExpand, Regex};
use serde::de::IgnoredAny;

use super::{function_log::Named, json};
use crate::flow::arrival::Line;

/// What stands where something was blacked out.
pub(super) const REDACTED: &str = "[REDACTED]";

/// The two expressions, where they are set.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    exclude: Option<Regex>,
    redact: Option<Regex>,
}

impl PartialEq for Filters {
    fn eq(&self, other: &Self) -> bool {
        fn texts(filters: &Filters) -> [Option<&str>; 2] {
            [&filters.exclude, &filters.redact].map(|regex| regex.as_ref().map(Regex::as_str))
        }
        texts(self) == texts(other)
    }
}

impl Eq for Filters {}

impl Filters {
    /// Of what the configuration read.
    #[must_use]
    pub const fn new(exclude: Option<Regex>, redact: Option<Regex>) -> Self {
        Self { exclude, redact }
    }

    /// Whether this line is left out.
    pub(super) fn excludes(&self, line: &Line) -> bool {
        let (Line::Text(line) | Line::Json(line)) = line;
        self.exclude.as_ref().is_some_and(|exclude| exclude.is_match(line))
    }

    /// Leaves out of the SDK's records those whose body says so, and tells how many; the others lose what is to be blacked out.
    pub(super) fn apply(&self, logs: &mut ResourceLogs) -> u64 {
        let mut excluded = 0;
        for scope in &mut logs.scope_logs {
            let before = scope.log_records.len();
            if let Some(exclude) = &self.exclude {
                scope.log_records.retain(|record| !body_matches(record, exclude));
            }
            excluded += before - scope.log_records.len();
            scope.log_records.iter_mut().for_each(|record| self.redact(record));
        }
        excluded as u64
    }

    /// Blacks out what matches, in the body and in the attributes.
    pub(super) fn redact(&self, record: &mut LogRecord) {
        if let Some(eraser) = self.eraser() {
            eraser.erase(record);
        }
    }

    /// The same in the field that a request id stood in, should it become an attribute. The id of an invocation is told by the
    /// platform, and stays.
    pub(super) fn redact_named(&self, named: &mut Named) {
        if let (Some(eraser), Some(field)) = (self.eraser(), &mut named.field) {
            eraser.attribute(field);
        }
    }

    fn eraser(&self) -> Option<Eraser<'_>> {
        self.redact.as_ref().map(|redact| Eraser { redact, sees_names: redact.as_str().contains('"') })
    }
}

fn body_matches(record: &LogRecord, exclude: &Regex) -> bool {
    match record.body.as_ref().and_then(|body| body.value.as_ref()) {
        Some(Any::StringValue(text)) => exclude.is_match(text),
        _ => false,
    }
}

struct Eraser<'a> {
    redact: &'a Regex,
    /// Whether the expression may be meant for `"name":"value"`, as a JSON line has it.
    sees_names: bool,
}

impl Eraser<'_> {
    fn erase(&self, record: &mut LogRecord) {
        if let Some(body) = &mut record.body {
            self.value(body);
        }
        record.attributes.iter_mut().for_each(|attribute| self.attribute(attribute));
        self.text(&mut record.severity_text);
    }

    fn attribute(&self, KeyValue { key, value, .. }: &mut KeyValue) {
        let Some(value) = value else { return };
        if self.sees_names && self.matches_named(key, value) {
            value.value = Some(Any::StringValue(REDACTED.to_owned()));
        }
        self.value(value);
    }

    /// Whether `"name":value` matches, with a space behind the colon or without.
    fn matches_named(&self, key: &str, value: &AnyValue) -> bool {
        let json = match &value.value {
            Some(Any::StringValue(text)) => serde_json::Value::from(text.as_str()).to_string(),
            Some(Any::IntValue(int)) => int.to_string(),
            Some(Any::DoubleValue(double)) => double.to_string(),
            Some(Any::BoolValue(bool)) => bool.to_string(),
            _ => return false,
        };
        let name = serde_json::Value::from(key.rsplit('.').next().unwrap_or(key)).to_string();
        [":", ": "].into_iter().any(|colon| self.redact.is_match(&format!("{name}{colon}{json}")))
    }

    fn value(&self, value: &mut AnyValue) {
        match &mut value.value {
            Some(Any::StringValue(text)) => self.text(text),
            Some(Any::ArrayValue(array)) => array.values.iter_mut().for_each(|value| self.value(value)),
            Some(Any::KvlistValue(list)) => list.values.iter_mut().for_each(|attribute| self.attribute(attribute)),
            Some(Any::IntValue(int)) => value.value = self.number(&int.to_string()).or(Some(Any::IntValue(*int))),
            Some(Any::DoubleValue(double)) => {
                value.value = self.number(&double.to_string()).or(Some(Any::DoubleValue(*double)));
            }
            _ => {}
        }
    }

    /// A number in which there is something to black out is a number no longer.
    fn number(&self, digits: &str) -> Option<Any> {
        self.redact.is_match(digits).then(|| Any::StringValue(self.erased(digits).into_owned()))
    }

    fn text(&self, text: &mut String) {
        let is_json = text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok();
        if is_json && let Cow::Owned(erased) = self.json(text) {
            *text = erased;
        }
        if let Cow::Owned(erased) = self.erased(text) {
            *text = erased;
        }
    }

    fn erased<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.redact.replace_all(text, NoExpand(REDACTED))
    }

    /// JSON, with every string and number in it looked at by itself. Names stay.
    fn json<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut out = String::new();
        let mut copied = 0;
        let mut at = 0;
        while let Some(start) = text[at..].find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
            let start = at + start;
            at = start + token_len(&text[start..]);
            let token = &text[start..at];
            let said = json::string(token).unwrap_or(Cow::Borrowed(token));
            let is_name = token.starts_with('"') && text[at..].trim_start().starts_with(':');
            if !is_name && self.redact.is_match(&said) {
                out.push_str(&text[copied..start]);
                out.push_str(&serde_json::Value::from(self.erased(&said)).to_string());
                copied = at;
            }
        }
        if copied == 0 {
            return Cow::Borrowed(text);
        }
        out.push_str(&text[copied..]);
        Cow::Owned(out)
    }
}

/// How long the string or the number at the start of `json` is.
fn token_len(json: &str) -> usize {
    if !json.starts_with('"') {
        return json.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')).unwrap_or(json.len());
    }
    let mut is_escaped = false;
    let end = json.bytes().skip(1).position(|c| {
        let ends = c == b'"' && !is_escaped;
        is_escaped = c == b'\\' && !is_escaped;
        ends
    });
    end.map_or(json.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise::attributes::{attribute, int, text};

    fn filters(exclude: &str, redact: &str) -> Filters {
        let regex = |text: &str| (!text.is_empty()).then(|| Regex::new(text).unwrap());
        Filters::new(regex(exclude), regex(redact))
    }

    fn redacted(redact: &str, body: &str, attributes: Vec<KeyValue>) -> LogRecord {
        let mut record = LogRecord { body: Some(text(body)), attributes, ..LogRecord::default() };
        filters("", redact).redact(&mut record);
        record
    }

    fn body(record: &LogRecord) -> &str {
        match &record.body.as_ref().unwrap().value {
            Some(Any::StringValue(text)) => text,
            other => panic!("no text: {other:?}"),
        }
    }

    #[test]
    fn a_line_is_left_out_as_it_is_delivered() {
        let filters = filters(r#"^GET /health|"path":"/health""#, "");
        assert!(filters.excludes(&Line::Text("GET /health 200".into())));
        assert!(filters.excludes(&Line::Json(r#"{"path":"/health"}"#.into())));
        assert!(!filters.excludes(&Line::Text("a GET /health".into())));
        assert!(!Filters::default().excludes(&Line::Text(String::new())));
    }

    #[test]
    fn what_matches_is_blacked_out_in_texts_numbers_and_lists() {
        let attributes = vec![
            attribute("card", text("4111111111111111")),
            attribute("number", int(4_111_111_111_111_111)),
            attribute("cards", text(r#"["4111111111111111",4111111111111111,7]"#)),
            attribute("amount", int(7)),
        ];
        let record = redacted(r"\d{16}", "paid with 4111111111111111, again 4111111111111111", attributes);
        assert_eq!(body(&record), "paid with [REDACTED], again [REDACTED]");
        let expected = vec![
            attribute("card", text(REDACTED)),
            attribute("number", text(REDACTED)),
            attribute("cards", text(r#"["[REDACTED]","[REDACTED]",7]"#)),
            attribute("amount", int(7)),
        ];
        assert_eq!(record.attributes, expected);
    }

    #[test]
    fn in_json_each_string_is_matched_by_itself_with_its_escapes_undone() {
        let record =
            redacted("password=.*", r#"{"m":"password=a\"b","n":1,"o":["x password=\n"],"password=":2}"#, Vec::new());
        assert_eq!(
            body(&record),
            r#"{"m":"[REDACTED]","n":1,"o":["x [REDACTED]\n"],"[REDACTED]"#,
            "names are not spared"
        );
        let escaped = redacted("^secret$", r#"["\u0073ecret","secrets"]"#, Vec::new());
        assert_eq!(body(&escaped), r#"["[REDACTED]","secrets"]"#);
        let quoted = redacted("a\"b", r#"{"m":"a\"b\\","n":"\\"}"#, Vec::new());
        assert_eq!(body(&quoted), r#"{"m":"[REDACTED]\\","n":"\\"}"#);
    }

    #[test]
    fn an_expression_for_a_json_field_finds_the_attribute_that_it_became() {
        let expression = r#""(password|pin)":\s*("[^"]*"|\d+)"#;
        let attributes = vec![
            attribute("user.password", text("s3cret")),
            attribute("pin", int(7)),
            attribute("user.name", text("ann")),
        ];
        let record = redacted(expression, r#"{"user":{"password":"s3cret"},"pin": 7}"#, attributes);
        assert_eq!(body(&record), r#"{"user":{[REDACTED]},[REDACTED]}"#);
        let expected = vec![
            attribute("user.password", text(REDACTED)),
            attribute("pin", text(REDACTED)),
            attribute("user.name", text("ann")),
        ];
        assert_eq!(record.attributes, expected);
    }

    #[test]
    fn a_replacement_is_no_pattern_and_what_only_looks_like_json_is_text() {
        assert_eq!(body(&redacted("(a)", "{a} $1", Vec::new())), "{[REDACTED]} $1");
        assert_eq!(body(&redacted("é+", "[éé] é", Vec::new())), "[[REDACTED]] [REDACTED]");
        assert_eq!(body(&redacted("x", "nothing", Vec::new())), "nothing");
    }

    #[test]
    fn the_sdks_records_are_filtered_too() {
        use opentelemetry_proto::tonic::logs::v1::ScopeLogs;
        let record = |body: &str| LogRecord { body: Some(text(body)), ..LogRecord::default() };
        let log_records = vec![record("health"), record("card 4111")];
        let mut logs = ResourceLogs {
            scope_logs: vec![ScopeLogs { log_records, ..ScopeLogs::default() }],
            ..ResourceLogs::default()
        };
        assert_eq!(filters("^health$", r"\d+").apply(&mut logs), 1);
        assert_eq!(logs.scope_logs[0].log_records, [record("card [REDACTED]")]);
    }
}
