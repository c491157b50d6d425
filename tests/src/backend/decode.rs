//! OTLP request bodies, from any of its three encodings to records with an identity. Pure.

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::{AnyValue, KeyValue, any_value::Value},
    logs::v1::LogRecord,
    metrics::v1::{Metric, metric::Data},
};
use prost::Message;
use serde::de::DeserializeOwned;
use std::io::Read;

/// What is sent to one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Log records.
    Logs,
    /// Spans.
    Traces,
    /// Data points.
    Metrics,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Logs, Self::Traces, Self::Metrics];

    /// Its name in a ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Traces => "traces",
            Self::Metrics => "metrics",
        }
    }

    /// The kind that a path of OTLP/HTTP or OTLP/gRPC takes.
    pub(super) fn of(path: &str) -> Option<Self> {
        let path = path.trim_end_matches('/');
        if path.ends_with("/v1/logs") || path.ends_with("LogsService/Export") {
            Some(Self::Logs)
        } else if path.ends_with("/v1/traces") || path.ends_with("TraceService/Export") {
            Some(Self::Traces)
        } else if path.ends_with("/v1/metrics") || path.ends_with("MetricsService/Export") {
            Some(Self::Metrics)
        } else {
            None
        }
    }
}

/// How a request's body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Grpc,
    Protobuf,
    Json,
}

/// One log record, span or data point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// What tells it from every other: a log's body, a span's ids and name, a point's metric.
    pub(super) identity: String,
    /// `faas.invocation_id`.
    pub(super) invocation: Option<String>,
    /// In hexadecimal; empty when there is none.
    pub(super) trace_id: String,
}

/// The records of a request; the error says what is wrong with it.
pub(super) fn records(kind: Kind, encoding: Encoding, gzip: bool, body: &[u8]) -> Result<Vec<Record>, String> {
    let (body, gzip) = match encoding {
        Encoding::Grpc => unframed(body)?,
        _ => (body, gzip),
    };
    let mut plain = Vec::new();
    if gzip {
        GzDecoder::new(body).read_to_end(&mut plain).map_err(|error| format!("gzip: {error}"))?;
    } else {
        plain.extend_from_slice(body);
    }
    match kind {
        Kind::Logs => parsed::<ExportLogsServiceRequest>(encoding, &plain).map(logs),
        Kind::Traces => parsed::<ExportTraceServiceRequest>(encoding, &plain).map(spans),
        Kind::Metrics => parsed::<ExportMetricsServiceRequest>(encoding, &plain).map(points),
    }
}

/// The message of gRPC's only frame, and whether it is compressed.
fn unframed(body: &[u8]) -> Result<(&[u8], bool), String> {
    let (head, message) = body.split_at_checked(5).ok_or("a frame without its head")?;
    let length = u32::from_be_bytes(head[1..5].try_into().expect("four bytes")) as usize;
    if length != message.len() {
        return Err(format!("a frame of {length} bytes in a body with {}", message.len()));
    }
    Ok((message, head[0] == 1))
}

fn parsed<T: Message + Default + DeserializeOwned>(encoding: Encoding, body: &[u8]) -> Result<T, String> {
    match encoding {
        Encoding::Json => serde_json::from_slice(body).map_err(|error| error.to_string()),
        _ => T::decode(body).map_err(|error| error.to_string()),
    }
}

fn logs(request: ExportLogsServiceRequest) -> Vec<Record> {
    let scopes = request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
    let log = |log: LogRecord| Record {
        identity: text(log.body.as_ref()),
        invocation: invocation(&log.attributes),
        trace_id: hex(&log.trace_id),
    };
    scopes.flat_map(|scope| scope.log_records).map(log).collect()
}

fn spans(request: ExportTraceServiceRequest) -> Vec<Record> {
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    let spans = scopes.flat_map(|scope| scope.spans);
    spans
        .map(|span| Record {
            identity: format!("{}:{}:{}", hex(&span.trace_id), hex(&span.span_id), span.name),
            invocation: invocation(&span.attributes),
            trace_id: hex(&span.trace_id),
        })
        .collect()
}

fn points(request: ExportMetricsServiceRequest) -> Vec<Record> {
    let scopes = request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
    let metrics = scopes.flat_map(|scope| scope.metrics);
    let point = |name: &str| Record { identity: name.to_owned(), invocation: None, trace_id: String::new() };
    metrics.flat_map(|metric| std::iter::repeat_n(point(&metric.name), count(&metric))).collect()
}

fn count(metric: &Metric) -> usize {
    match &metric.data {
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(Data::Summary(summary)) => summary.data_points.len(),
        None => 0,
    }
}

fn invocation(attributes: &[KeyValue]) -> Option<String> {
    let attribute = attributes.iter().find(|attribute| attribute.key == "faas.invocation_id")?;
    Some(text(attribute.value.as_ref()))
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    bytes.iter().for_each(|byte| write!(text, "{byte:02x}").expect("writing to a string cannot fail"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use opentelemetry_proto::tonic::{
        logs::v1::{ResourceLogs, ScopeLogs},
        metrics::v1::{Gauge, NumberDataPoint, ResourceMetrics, ScopeMetrics},
    };
    use std::io::Write as _;

    fn request(body: &str) -> ExportLogsServiceRequest {
        let text = |text: &str| Some(AnyValue { value: Some(Value::StringValue(text.into())) });
        let id = KeyValue { key: "faas.invocation_id".into(), value: text("a"), ..KeyValue::default() };
        let log =
            LogRecord { body: text(body), attributes: vec![id], trace_id: vec![0xab; 16], ..LogRecord::default() };
        let scope = ScopeLogs { log_records: vec![log], ..ScopeLogs::default() };
        let resource = ResourceLogs { scope_logs: vec![scope], ..ResourceLogs::default() };
        ExportLogsServiceRequest { resource_logs: vec![resource] }
    }

    fn zipped(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn a_record_is_the_same_in_every_encoding() {
        let plain = request("hello").encode_to_vec();
        let json = serde_json::to_vec(&request("hello")).unwrap();
        let message = zipped(&plain);
        let mut frame = vec![1];
        frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        frame.extend(&message);
        let expected = Record { identity: "hello".into(), invocation: Some("a".into()), trace_id: "ab".repeat(16) };
        for (encoding, gzip, body) in [
            (Encoding::Protobuf, false, plain.clone()),
            (Encoding::Protobuf, true, zipped(&plain)),
            (Encoding::Json, false, json),
            (Encoding::Grpc, false, frame),
        ] {
            assert_eq!(
                records(Kind::Logs, encoding, gzip, &body).unwrap(),
                std::slice::from_ref(&expected),
                "{encoding:?}"
            );
        }
    }

    #[test]
    fn every_data_point_is_a_record() {
        let gauge = Gauge { data_points: vec![NumberDataPoint::default(); 3] };
        let metric = Metric { name: "m".into(), data: Some(Data::Gauge(gauge)), ..Metric::default() };
        let scope = ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() };
        let resource = ResourceMetrics { scope_metrics: vec![scope], ..ResourceMetrics::default() };
        let request = ExportMetricsServiceRequest { resource_metrics: vec![resource] };
        assert_eq!(records(Kind::Metrics, Encoding::Protobuf, false, &request.encode_to_vec()).unwrap().len(), 3);
    }

    #[test]
    fn a_body_that_is_cut_is_an_error() {
        let plain = request("hello").encode_to_vec();
        assert!(records(Kind::Logs, Encoding::Protobuf, false, &plain[..plain.len() - 1]).is_err());
        assert!(records(Kind::Logs, Encoding::Protobuf, true, &zipped(&plain)[..20]).is_err());
        assert!(records(Kind::Logs, Encoding::Grpc, false, &[0, 0, 0, 0, 9, 1]).is_err());
    }
}
