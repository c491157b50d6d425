//! What a server's answer means: pure, by ClickHouse's own code where there is one, else by the HTTP status.

use std::time::Duration;

use http::{StatusCode, header};

use crate::{
    export::{
        otlp::transport::Answer,
        retry::{self, Verdict},
    },
    flow::UnixNanos,
};

/// Of ClickHouse's words as many as a line of a log holds; they end in its version and, at times, a stack.
const WORDS: usize = 300;

/// Why an insert, or a look at the tables, did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It passes by itself: the server is busy, starting, read-only, or cut off.
    Passing {
        /// When to come again, if the server said so.
        after: Option<Duration>,
        why: String,
    },
    /// Nobody answered.
    NoAnswer { why: String },
    /// The table is not what it was when it was looked at, or never was.
    Schema { why: String },
    /// The server does not accept who we say we are.
    Denied { why: String },
    /// No repetition mends it.
    Final { why: String },
}

/// What an answer read at `now` means.
pub(super) fn judge(answer: &Answer, now: UnixNanos) -> Result<(), Failure> {
    let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    let words = String::from_utf8_lossy(&answer.body);
    let code = header("x-clickhouse-exception-code").and_then(|code| code.parse().ok()).or_else(|| code(&words));
    match code {
        Some(code) => Err(by_code(code, &words)),
        None if answer.status.is_success() => Ok(()),
        None => Err(by_status(answer.status, header(header::RETRY_AFTER.as_str()), now, &words)),
    }
}

fn by_code(code: u32, words: &str) -> Failure {
    let words = shortened(words);
    if passes(code) {
        return Failure::Passing { after: None, why: words };
    }
    match code {
        6 | 8 | 10 | 16 | 27 | 32 | 33 | 44 | 47 | 53 | 60 | 70 | 117 | 128 | 131 | 218 | 390 => {
            Failure::Schema { why: format!("the rows do not fit the table's columns ({words})") }
        }
        81 => Failure::Final {
            why: format!(
                "there is no such database: does ROTEL_CLICKHOUSE_EXPORTER_DATABASE name ClickStack's? ({words})"
            ),
        },
        192..=194 | 516 => Failure::Denied {
            why: format!(
                "this user and password are not accepted: compare ROTEL_CLICKHOUSE_EXPORTER_USER and _PASSWORD ({words})"
            ),
        },
        497 => Failure::Final {
            why: format!("this user may not do that: GRANT INSERT on ClickStack's tables to it ({words})"),
        },
        _ => Failure::Final { why: format!("refused ({words})") },
    }
}

/// Whether a failure with this code passes by itself.
const fn passes(code: u32) -> bool {
    matches!(
        code,
        74 // CANNOT_READ_FROM_FILE_DESCRIPTOR
        | 75 // CANNOT_WRITE_TO_FILE_DESCRIPTOR
        | 159 // TIMEOUT_EXCEEDED
        | 160 // TOO_SLOW
        | 198 // DNS_ERROR
        | 201 // QUOTA_EXCEEDED
        | 202 // TOO_MANY_SIMULTANEOUS_QUERIES
        | 203 // NO_FREE_CONNECTION
        | 209 // SOCKET_TIMEOUT
        | 210 // NETWORK_ERROR
        | 225 // NO_ZOOKEEPER
        | 236 // ABORTED
        | 241 // MEMORY_LIMIT_EXCEEDED
        | 242 // TABLE_IS_READ_ONLY
        | 243 // NOT_ENOUGH_SPACE
        | 252 // TOO_MANY_PARTS
        | 279 // ALL_CONNECTION_TRIES_FAILED
        | 285 // TOO_FEW_LIVE_REPLICAS
        | 286 // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
        | 319 // UNKNOWN_STATUS_OF_INSERT
        | 394 // QUERY_WAS_CANCELLED
        | 425 // SYSTEM_ERROR
        | 439 // CANNOT_SCHEDULE_TASK
        | 473 // DEADLOCK_AVOIDED
        | 499 // S3_ERROR
        | 518 // CANNOT_ASSIGN_ALTER
        | 700 // USER_SESSION_LIMIT_EXCEEDED
        | 735 // QUERY_WAS_CANCELLED_BY_CLIENT
        | 745 // SERVER_OVERLOADED
        | 999 // KEEPER_EXCEPTION
    )
}

/// An answer that is not ClickHouse's own: that of a proxy, or of another server.
fn by_status(status: StatusCode, retry_after: Option<&str>, now: UnixNanos, words: &str) -> Failure {
    let why = match shortened(words) {
        words if words.is_empty() => format!("status {status}"),
        words => format!("status {status}: {words}"),
    };
    match retry::http(status, retry_after, now) {
        Verdict::Retry(after) => Failure::Passing { after, why },
        Verdict::Deny => Failure::Denied { why },
        Verdict::Refuse if status.is_server_error() => Failure::Passing { after: None, why },
        Verdict::Refuse => Failure::Final { why: format!("{why} (is this ClickHouse's HTTP interface?)") },
    }
}

/// The number in `Code: 60. DB::Exception: ...`.
fn code(words: &str) -> Option<u32> {
    words.split_once("Code: ")?.1.split_once('.')?.0.parse().ok()
}

/// One line, not too long, without control characters.
fn shortened(words: &str) -> String {
    let line = words.trim_start().lines().next().unwrap_or_default().trim_end();
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    match line.char_indices().nth(WORDS) {
        None => line.chars().map(printable).collect(),
        Some((end, _)) => line[..end].chars().map(printable).chain("...".chars()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderName, HeaderValue};

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Result<(), Failure> {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let headers: HeaderMap = headers.iter().map(pair).collect();
        let status = StatusCode::from_u16(status).unwrap();
        judge(&Answer { status, headers, body: body.to_owned().into(), trailers: None }, 0)
    }

    #[test]
    fn a_success_is_one_whatever_its_body() {
        assert_eq!(answer(200, &[], ""), Ok(()));
    }

    #[test]
    fn a_busy_server_is_tried_again() {
        for (status, words) in [
            (500, "Code: 252. DB::Exception: Too many parts"),
            (500, "Code: 241. DB::Exception: Memory limit"),
            (503, "Code: 745. DB::Exception: Server is overloaded"),
            (500, "Code: 242. DB::Exception: Table is in readonly mode"),
            (502, "Bad Gateway"),
            (500, ""),
        ] {
            assert!(matches!(answer(status, &[], words), Err(Failure::Passing { after: None, .. })), "{words}");
        }
        let after = Some(Duration::from_secs(3));
        let why = "status 503 Service Unavailable".to_owned();
        assert_eq!(answer(503, &[("retry-after", "3")], ""), Err(Failure::Passing { after, why }));
    }

    #[test]
    fn what_no_repetition_mends_is_final_and_says_what_to_do() {
        for (status, words, begins) in [
            (401, "Code: 516. DB::Exception: u: Authentication failed", "this user and password are not accepted: "),
            (403, "Code: 497. DB::Exception: u: Not enough privileges", "this user may not do that: GRANT INSERT"),
            (404, "Code: 81. DB::Exception: Database x does not exist", "there is no such database: "),
            (404, "no page", "status 404 Not Found: no page (is this ClickHouse's HTTP interface?)"),
            (301, "", "status 301 Moved Permanently (is this"),
            (500, "Code: 49. DB::Exception: Logical error", "refused (Code: 49. DB::Exception: Logical error)"),
        ] {
            let Err(Failure::Final { why } | Failure::Denied { why }) = answer(status, &[], words) else {
                panic!("{words}")
            };
            assert!(why.starts_with(begins), "{why}");
        }
    }

    #[test]
    fn a_table_that_is_gone_or_of_other_columns_is_to_be_looked_at_again() {
        for code in [60, 390, 16, 33, 117] {
            let words = format!("Code: {code}. DB::Exception: x");
            assert!(matches!(answer(404, &[], &words), Err(Failure::Schema { .. })), "{code}");
        }
    }

    #[test]
    fn the_code_in_the_headers_counts_even_in_a_success() {
        let exception = [("x-clickhouse-exception-code", "241")];
        assert!(matches!(answer(200, &exception, "half a row"), Err(Failure::Passing { .. })));
    }

    #[test]
    fn only_the_first_line_of_the_servers_words_is_kept_and_not_too_much_of_it() {
        let words = format!("Code: 9. {}\nstack", "ä".repeat(400));
        assert_eq!(shortened(&words).chars().count(), WORDS + 3);
        assert_eq!(shortened("one\u{7}\ntwo"), "one ");
    }
}
