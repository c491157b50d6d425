//! Our own words: recognised wherever they come back as telemetry, so that they are never shipped and never loop.

use serde_json::Value;

use super::{severity::Severity, text_line::is_request_id};
use crate::flow::arrival::Line;

/// How every line of our own output begins: lines of the `extension` stream that do are ours, and never shipped.
pub const OWN_PREFIX: &str = "lambdaview ";

/// Names of the field in which a platform that makes JSON of lines puts their text.
const TEXT: [&str; 4] = ["message", "msg", "record", "log"];

/// How many words a platform may put before a line: a date, a time, an id, a level.
const HEAD_WORDS: usize = 4;

/// Whether an extension's line is ours: as we wrote it, with a head before it, or as the text of a JSON object.
pub(super) fn is_ours(line: &Line) -> bool {
    let (Line::Text(text) | Line::Json(text)) = line;
    // Hardly a line of another's has the word in it: the rest is for those.
    if !text.contains(OWN_PREFIX) {
        return false;
    }
    if text.trim_start().starts_with('{') {
        let fields = serde_json::from_str::<Value>(text).ok();
        let texts = TEXT.iter().filter_map(|name| fields.as_ref()?.get(name)?.as_str());
        return texts.into_iter().any(begins_with_ours);
    }
    begins_with_ours(text)
}

fn begins_with_ours(text: &str) -> bool {
    let mut rest = text.trim_start();
    for _ in 0..HEAD_WORDS {
        if rest.starts_with(OWN_PREFIX) {
            return true;
        }
        let Some((_, behind)) = rest.split_once([' ', '\t']).filter(|(word, _)| is_head(word)) else { return false };
        rest = behind.trim_start();
    }
    rest.starts_with(OWN_PREFIX)
}

/// What is put before a line, not what a line begins with: `[INFO]`, a date, a time, an id, a level.
fn is_head(word: &str) -> bool {
    let bracketed = word.starts_with('[') && word.ends_with(']');
    let time = word.starts_with(|c: char| c.is_ascii_digit()) && word.contains([':', '-']);
    bracketed || time || is_request_id(word) || Severity::from_word(word).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_line_is_known_in_every_form_that_a_platform_may_give_it() {
        for text in [
            "lambdaview ledger logs",
            "  lambdaview panic: x\nlambdaview y",
            "2026-11-22T19:41:06.565Z [INFO] lambdaview cannot",
            "2026-11-22 19:41:06,565 79b4f56e-95b1-4643-9700-2807f4e68189 ERROR lambdaview cannot",
            r#"{"level":"INFO","message":"lambdaview cannot"}"#,
        ] {
            assert!(is_ours(&Line::Text(text.into())), "{text}");
        }
        assert!(is_ours(&Line::Json(r#"{"record":"[WARN] lambdaview cannot"}"#.into())));
    }

    #[test]
    fn a_line_that_only_speaks_of_us_is_anothers() {
        for text in [
            "my lambdaview is installed",
            "lambdaviewer started",
            "lambdaview: started",
            r#"{"message":"beside lambdaview ","also":"lambdaview x"}"#,
            "[INFO] start lambdaview now",
            "{ lambdaview x",
            "",
        ] {
            assert!(!is_ours(&Line::Text(text.into())), "{text}");
        }
    }
}
