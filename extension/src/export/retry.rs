//! What is worth trying again, and when: pure, OTLP's tables and an exponential backoff with jitter.

use crate::{flow::UnixNanos, rpc};
use http::StatusCode;
use std::time::Duration;
use tonic::Code;

/// The first backoff, before jitter.
const FIRST: Duration = Duration::from_millis(200);

/// The longest backoff, before jitter, for a backend that answers: it may have too much to do.
pub const LONGEST: Duration = Duration::from_secs(30);

/// The longest backoff, before jitter, where nobody answers: a try in a second is no burden for a backend that is not there,
/// and finds it soon when it is back.
pub const LONGEST_UNANSWERED: Duration = Duration::from_secs(1);

/// What an answer that is no success asks of the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Try again, not before this time when the backend named one.
    Retry(Option<Duration>),
    /// Not as who we say we are.
    Deny,
    /// Never again.
    Refuse,
}

/// OTLP's table of gRPC codes; `RESOURCE_EXHAUSTED` is worth another try only when the server says when.
#[must_use]
pub fn grpc(code: Code, details: &[u8]) -> Verdict {
    use prost::Message;
    let delay = rpc::Status::decode(details).ok().and_then(|status| status.retry_delay());
    match code {
        Code::ResourceExhausted if delay.is_none() => Verdict::Refuse,
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss
        | Code::ResourceExhausted => Verdict::Retry(delay.filter(|delay| !delay.is_zero())),
        Code::Unauthenticated | Code::PermissionDenied => Verdict::Deny,
        _ => Verdict::Refuse,
    }
}

/// OTLP's table of HTTP statuses, with `Retry-After` read at `now`.
#[must_use]
pub fn http(status: StatusCode, retry_after: Option<&str>, now: UnixNanos) -> Verdict {
    match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Verdict::Retry(retry_after.and_then(|text| self::retry_after(text, now))),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Verdict::Deny,
        _ => Verdict::Refuse,
    }
}

/// `Retry-After`: seconds, or a date; one that has passed is no wait.
fn retry_after(text: &str, now: UnixNanos) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = chrono::DateTime::parse_from_rfc2822(text).ok()?;
    let seconds = u64::try_from(date.timestamp()).ok()?;
    Some(Duration::from_secs(seconds).saturating_sub(Duration::from_nanos(now)))
}

/// How long to wait before attempt number `attempt` (the first retry is 1): doubling up to `longest`, and between half and the
/// whole of it, as `random` out of `0..=u32::MAX` has it.
#[must_use]
pub fn backoff(attempt: u32, longest: Duration, random: u32) -> Duration {
    let doubled = FIRST.saturating_mul(1u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX));
    let half = doubled.min(longest) / 2;
    half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;

    #[test]
    fn grpc_codes_are_judged_as_otlp_has_them() {
        let retried: Vec<i32> =
            (0..=16).filter(|&code| matches!(grpc(Code::from_i32(code), &[]), Verdict::Retry(_))).collect();
        assert_eq!(retried, [1, 4, 10, 11, 14, 15]);
        assert_eq!([7, 16].map(|code| grpc(Code::from_i32(code), &[])), [Verdict::Deny; 2]);
    }

    #[test]
    fn an_exhausted_server_is_asked_again_only_when_it_says_when() {
        let details =
            rpc::Status::new(Code::ResourceExhausted, "").with_retry_after(Duration::from_secs(3)).encode_to_vec();
        assert_eq!(grpc(Code::ResourceExhausted, &details), Verdict::Retry(Some(Duration::from_secs(3))));
        assert_eq!(grpc(Code::ResourceExhausted, &[0xff]), Verdict::Refuse);
        assert_eq!(grpc(Code::InvalidArgument, &details), Verdict::Refuse);
    }

    #[test]
    fn http_statuses_are_judged_as_otlp_has_them() {
        let retried: Vec<u16> = (200..600)
            .filter(|&status| matches!(http(StatusCode::from_u16(status).unwrap(), None, 0), Verdict::Retry(_)))
            .collect();
        assert_eq!(retried, [429, 502, 503, 504]);
        assert_eq!([401, 403].map(|status| http(StatusCode::from_u16(status).unwrap(), None, 0)), [Verdict::Deny; 2]);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let at = |text| http(StatusCode::SERVICE_UNAVAILABLE, Some(text), 784_111_770_000_000_000);
        assert_eq!(at("7"), Verdict::Retry(Some(Duration::from_secs(7))));
        assert_eq!(at("Sun, 06 Nov 1994 08:49:37 GMT"), Verdict::Retry(Some(Duration::from_secs(7))));
        assert_eq!(at("Tue, 06 Nov 1984 08:49:37 GMT"), Verdict::Retry(Some(Duration::ZERO)));
        assert_eq!(at("soon"), Verdict::Retry(None));
    }

    #[test]
    fn the_backoff_doubles_to_its_bound_and_jitters_downwards() {
        let millis = |attempt, random| backoff(attempt, LONGEST, random).as_millis();
        assert_eq!([1, 2, 3, 8].map(|attempt| millis(attempt, u32::MAX)), [200, 400, 800, 25_600]);
        assert_eq!([1, 2, 9, 33, u32::MAX].map(|attempt| millis(attempt, 0)), [100, 200, 15_000, 15_000, 15_000]);
        assert_eq!(backoff(9, LONGEST_UNANSWERED, u32::MAX), Duration::from_secs(1));
    }
}
