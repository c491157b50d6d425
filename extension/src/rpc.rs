//! The two messages of `google.rpc` that OTLP speaks of beside its own: an error's status, and when to come again.

use prost::{Message, Name};
use std::time::Duration;

/// `google.rpc.Status`: the body of every OTLP error.
#[derive(Clone, PartialEq, Message)]
pub struct Status {
    /// A gRPC code.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// What is wrong, for a developer to read.
    #[prost(string, tag = "2")]
    pub message: String,
    /// More about it, [`RetryInfo`] among others.
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub struct Any {
    /// Ends with the full name of the message's type.
    #[prost(string, tag = "1")]
    pub type_url: String,
    /// The message.
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// `google.rpc.RetryInfo`: trying again makes sense, after this time.
#[derive(Clone, PartialEq, Message)]
pub struct RetryInfo {
    /// At least this long from now.
    #[prost(message, optional, tag = "1")]
    pub retry_delay: Option<ProtoDuration>,
}

impl Name for RetryInfo {
    const NAME: &'static str = "RetryInfo";
    const PACKAGE: &'static str = "google.rpc";
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct ProtoDuration {
    /// Whole seconds.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// The rest of it.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl Status {
    /// A status with a message and no details.
    pub fn new(code: tonic::Code, message: impl Into<String>) -> Self {
        Self { code: code as i32, message: message.into(), details: Vec::new() }
    }

    /// Says when to come again.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        let seconds = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
        let nanos = i32::try_from(after.subsec_nanos()).expect("less than a second fits");
        let info = RetryInfo { retry_delay: Some(ProtoDuration { seconds, nanos }) };
        self.details.push(Any {
            type_url: format!("type.googleapis.com/{}", RetryInfo::full_name()),
            value: info.encode_to_vec(),
        });
        self
    }

    /// The delay of the [`RetryInfo`] among the details: none without it, zero when it names none.
    #[must_use]
    pub fn retry_delay(&self) -> Option<Duration> {
        let info = self.details.iter().find(|any| any.type_url.rsplit('/').next() == Some("google.rpc.RetryInfo"))?;
        let delay = RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay.unwrap_or_default();
        let (seconds, nanos) = (u64::try_from(delay.seconds).unwrap_or(0), u32::try_from(delay.nanos).unwrap_or(0));
        Some(Duration::new(seconds, nanos.min(999_999_999)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_read_back_as_it_was_written() {
        let status =
            Status::new(tonic::Code::ResourceExhausted, "slow down").with_retry_after(Duration::from_millis(1500));
        let read = Status::decode(status.encode_to_vec().as_slice()).unwrap();
        assert_eq!(read.retry_delay(), Some(Duration::from_millis(1500)));
        assert_eq!(Status::new(tonic::Code::Ok, "").retry_delay(), None);
    }

    #[test]
    fn details_of_other_types_and_negative_delays_are_no_delay() {
        let other = Any { type_url: "type.googleapis.com/google.rpc.DebugInfo".into(), value: vec![1, 2, 3] };
        assert_eq!(Status { details: vec![other], ..Status::default() }.retry_delay(), None);
        let info = RetryInfo { retry_delay: Some(ProtoDuration { seconds: -5, nanos: -1 }) };
        let any = Any { type_url: "google.rpc.RetryInfo".into(), value: info.encode_to_vec() };
        assert_eq!(Status { details: vec![any], ..Status::default() }.retry_delay(), Some(Duration::ZERO));
    }
}
