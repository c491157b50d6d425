//! The severity of a record that came without one: from an attribute that names it, else from the words of its body.

use opentelemetry_proto::tonic::{
    common::v1::any_value::Value,
    logs::v1::{LogRecord, SeverityNumber},
};

/// Attributes that logging frameworks put a level into; the first that is there counts.
const LEVELS: [&str; 7] = ["level", "Level", "LEVEL", "severity", "Severity", "SEVERITY", "log.level"];
/// How much of a body is looked at, in bytes.
const LOOKED_AT: usize = 256;

/// Words and the severity each stands for, in the order in which the collector's expression tries them.
const WORDS: [(&str, SeverityNumber); 11] = [
    ("alert", SeverityNumber::Fatal),
    ("crit", SeverityNumber::Fatal),
    ("emerg", SeverityNumber::Fatal),
    ("fatal", SeverityNumber::Fatal),
    ("error", SeverityNumber::Error),
    ("err", SeverityNumber::Error),
    ("warn", SeverityNumber::Warn),
    ("notice", SeverityNumber::Warn),
    ("debug", SeverityNumber::Debug),
    ("dbug", SeverityNumber::Debug),
    ("trace", SeverityNumber::Trace),
];

/// Takes the text from a level attribute, and the number from that text; `INFO` for a word that is not known.
pub(super) fn promote(record: &mut LogRecord) {
    let Some(level) = LEVELS.iter().find_map(|name| text_of(record, name)) else { return };
    let level = level.to_owned();
    let lower = level.to_ascii_lowercase();
    let known = WORDS.iter().find(|(word, _)| lower.contains(word)).map(|(_, number)| *number);
    record.severity_number = known.unwrap_or(SeverityNumber::Info) as i32;
    record.severity_text = level;
}

fn text_of<'a>(record: &'a LogRecord, name: &str) -> Option<&'a str> {
    let attribute = record.attributes.iter().find(|attribute| attribute.key == name)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) if !text.is_empty() => Some(text),
        // A level of pino's kind (30) is a number, which is no text.
        _ => None,
    }
}

/// Takes the severity from the first such word at the beginning of a word; `info` when there is none.
pub(super) fn infer(record: &mut LogRecord) {
    let number = match record.body.as_ref().and_then(|body| body.value.as_ref()) {
        Some(Value::StringValue(text)) => first_word(&text.as_bytes()[..text.len().min(LOOKED_AT)]),
        _ => None,
    };
    let number = number.unwrap_or(SeverityNumber::Info);
    record.severity_number = number as i32;
    record.severity_text = match number {
        SeverityNumber::Fatal => "fatal",
        SeverityNumber::Error => "error",
        SeverityNumber::Warn => "warn",
        SeverityNumber::Debug => "debug",
        SeverityNumber::Trace => "trace",
        _ => "info",
    }
    .to_owned();
}

fn first_word(text: &[u8]) -> Option<SeverityNumber> {
    let in_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (0..text.len()).filter(|at| *at == 0 || !in_word(text[at - 1])).find_map(|at| {
        let begins =
            |word: &str| text[at..].get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()));
        WORDS.iter().find(|(word, _)| begins(word)).map(|(_, number)| *number)
    })
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

    use super::*;

    fn any(text: &str) -> Option<AnyValue> {
        Some(AnyValue { value: Some(Value::StringValue(text.to_owned())) })
    }

    fn inferred(body: &str) -> (i32, String) {
        let mut record = LogRecord { body: any(body), ..LogRecord::default() };
        infer(&mut record);
        (record.severity_number, record.severity_text)
    }

    fn promoted(attributes: &[(&str, &str)]) -> (i32, String) {
        let attribute =
            |(key, value): &(&str, &str)| KeyValue { key: (*key).to_owned(), value: any(value), ..KeyValue::default() };
        let mut record = LogRecord { attributes: attributes.iter().map(attribute).collect(), ..LogRecord::default() };
        promote(&mut record);
        (record.severity_number, record.severity_text)
    }

    #[test]
    fn the_first_word_that_begins_like_a_severity_decides() {
        let table = [
            ("nothing to see", 9, "info"),
            ("ErrorHandler ok", 17, "error"),
            ("[WARNING] low disk", 13, "warn"),
            ("notice: moved", 13, "warn"),
            ("a critical failure", 21, "fatal"),
            ("DBUG x", 5, "debug"),
            ("XRAY TraceId: 1-abc", 1, "trace"),
            ("terror is no error_code but error is", 17, "error"),
            ("mirror, stacktrace", 9, "info"),
            ("warn then error", 13, "warn"),
            ("my_error", 9, "info"),
            ("", 9, "info"),
        ];
        for (body, number, text) in table {
            assert_eq!(inferred(body), (number, text.to_owned()), "{body}");
        }
    }

    #[test]
    fn only_the_beginning_of_a_body_is_looked_at() {
        assert_eq!(inferred(&format!("{} error", "x".repeat(250))).0, 17);
        assert_eq!(inferred(&format!("{} error", "x".repeat(253))).0, 9);
        assert_eq!(inferred(&"ä".repeat(300)).0, 9);
    }

    #[test]
    fn a_level_attribute_gives_the_text_and_its_number() {
        let table = [
            ("level", "ERROR", 17),
            ("Level", "Warning", 13),
            ("severity", "CRITICAL", 21),
            ("log.level", "debug", 5),
            ("SEVERITY", "verbose", 9),
            ("level", "info", 9),
        ];
        for (key, value, number) in table {
            assert_eq!(promoted(&[(key, value)]), (number, value.to_owned()), "{key}={value}");
        }
    }

    #[test]
    fn level_comes_before_severity_and_an_empty_one_counts_for_nothing() {
        assert_eq!(promoted(&[("severity", "error"), ("level", "info")]), (9, "info".to_owned()));
        assert_eq!(promoted(&[("level", ""), ("severity", "error")]), (17, "error".to_owned()));
        assert_eq!(promoted(&[]), (0, String::new()));
    }
}
