//! Records of the Telemetry API as nobody expects them. None may cost another record, and those that are text must arrive.

use serde_json::{Value, json};

/// One of them: its type, its record, and the line that must come of it, if it must.
pub(crate) fn record(which: usize, tag: &str, number: u64) -> (&'static str, Value, Option<String>) {
    let text = format!("{tag} odd {number}");
    let records = [
        ("platform.weather", json!({ "sky": "grey", "requestId": 5 }), None),
        ("platform.start", json!({}), None),
        ("platform.start", json!([1, 2]), None),
        ("platform.runtimeDone", json!({ "requestId": { "a": 1 }, "status": 7 }), None),
        ("platform.report", json!("REPORT by word of mouth"), None),
        ("platform.report", json!({ "requestId": "00000000-0000-4000-8000-000000000000", "metrics": [] }), None),
        ("platform.logsDropped", json!({ "droppedRecords": "many" }), None),
        ("platform.initStart", Value::Null, None),
        ("function", Value::Null, None),
        ("function", json!(17.5), None),
        ("function", json!([[], {}]), None),
        ("function", json!(format!("{text}\n")), Some(text.clone())),
        ("function", json!(format!("{text} \u{0} \u{fffd}\n")), Some(format!("{text} \u{0} \u{fffd}"))),
        ("function", json!({ "message": text, "level": {}, "timestamp": "yesterday" }), Some(text.clone())),
        (
            "function",
            json!({ "msg": text, "traceId": "none", "nested": { "deep": [{ "a": null }] } }),
            Some(text.clone()),
        ),
    ];
    let at = which % records.len();
    records.into_iter().nth(at).expect("within the table")
}
