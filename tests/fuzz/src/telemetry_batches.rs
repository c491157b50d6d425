//! Deliveries of the Telemetry API: the valid records of a mutated batch always arrive.

use crate::arrived::{body, everything, log_records};

const BEFORE: [&str; 2] = [
    r#"{"time":"2026-11-22T19:41:06.565Z","type":"function","record":"before {\"time\":1} the damage\n"}"#,
    r#"{"time":"2026-11-22T19:41:06.566Z","type":"function","record":{"level":"WARN","message":"before as JSON","n":[1]}}"#,
];
const AFTER: [&str; 2] = [
    r#"{"time":"2026-11-22T19:41:06.567Z","type":"extension","record":"after the damage\n"}"#,
    r#"{"time":"2026-11-22T19:41:06.568Z","type":"function","record":{"level":"WARN","message":"after as JSON","n":{}}}"#,
];
const BODIES: [&str; 4] = ["before {\"time\":1} the damage", "before as JSON", "after the damage", "after as JSON"];

/// `data` as a delivery, and as the damage in one.
pub fn check(data: &[u8]) {
    everything(data);
    let batch = [BEFORE.join(",").as_bytes(), data, AFTER.join(",").as_bytes()].join(&b',');
    let batch = [b"[", &batch[..], b"]"].concat();
    let released = everything(&batch);
    let records = log_records(&released);
    for wanted in BODIES {
        let times = records.iter().filter(|record| body(record) == wanted).count();
        // The input may hold the same words itself.
        let expected = if contains(data, wanted) { times.max(1) } else { 1 };
        assert_eq!(times, expected, "{wanted:?} in {records:#?}");
    }
}

fn contains(data: &[u8], words: &str) -> bool {
    let words = &words.as_bytes()[..6];
    data.windows(words.len()).any(|window| window == words)
}
