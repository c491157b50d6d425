//! OTLP/JSON read record by record, as leniently as the specification asks and senders need.
//!
//! The types of `opentelemetry-proto` read JSON too, but refuse a whole request for one value that a sender may well write:
//! an empty `arrayValue`, a `null`, a `NaN`. Here a record that cannot be read is counted as rejected (OTLP's partial
//! success) and its neighbours are taken.

mod fields;
mod logs;
mod metrics;
mod traces;

use super::decode::Decoded;
use crate::flow::{Signal, SignalKind};
use fields::Fields;
pub(super) use fields::Odd;
use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList, any_value},
    resource::v1::Resource,
};
use serde_json::Value;

/// Reads the body of one request.
pub(super) fn read(kind: SignalKind, body: &[u8]) -> Result<Decoded, Odd> {
    let value = serde_json::from_slice(body).map_err(|error| Odd::new(format!("no JSON: {error}")))?;
    let mut fields = Fields::of(value, "the request")?;
    let mut rejected = Rejected::default();
    let signals = match kind {
        SignalKind::Logs => fields.list("resourceLogs", |value| logs::resource(value, &mut rejected).map(Signal::Logs)),
        SignalKind::Traces => {
            fields.list("resourceSpans", |value| traces::resource(value, &mut rejected).map(Signal::Traces))
        }
        SignalKind::Metrics => {
            fields.list("resourceMetrics", |value| metrics::resource(value, &mut rejected).map(Signal::Metrics))
        }
    }?;
    Ok(Decoded {
        signals,
        rejected: rejected.records,
        message: rejected.first.map(|odd| odd.to_string()).unwrap_or_default(),
    })
}

/// The records that could not be read, and why the first of them.
#[derive(Debug, Default)]
struct Rejected {
    records: u64,
    first: Option<Odd>,
}

impl Rejected {
    fn add(&mut self, records: u64, odd: Odd) {
        self.records += records;
        self.first.get_or_insert(odd);
    }

    /// The records of a list that can be read.
    fn records<T>(&mut self, values: Vec<Value>, mut read: impl FnMut(Value) -> Result<T, Odd>) -> Vec<T> {
        let mut records = Vec::with_capacity(values.len());
        for value in values {
            match read(value) {
                Ok(record) => records.push(record),
                Err(odd) => self.add(1, odd),
            }
        }
        records
    }
}

fn resource(value: Value) -> Result<Resource, Odd> {
    let mut fields = Fields::of(value, "resource")?;
    Ok(Resource {
        attributes: attributes(&mut fields, "attributes")?,
        dropped_attributes_count: fields.integer("droppedAttributesCount")?,
        entity_refs: fields.list("entityRefs", entity)?,
    })
}

fn entity(value: Value) -> Result<EntityRef, Odd> {
    let mut fields = Fields::of(value, "entityRef")?;
    let key = |value| Fields::text_of(value, "an entity's key");
    Ok(EntityRef {
        schema_url: fields.text("schemaUrl")?,
        r#type: fields.text("type")?,
        id_keys: fields.list("idKeys", key)?,
        description_keys: fields.list("descriptionKeys", key)?,
    })
}

fn scope(value: Value) -> Result<InstrumentationScope, Odd> {
    let mut fields = Fields::of(value, "scope")?;
    Ok(InstrumentationScope {
        name: fields.text("name")?,
        version: fields.text("version")?,
        attributes: attributes(&mut fields, "attributes")?,
        dropped_attributes_count: fields.integer("droppedAttributesCount")?,
    })
}

fn attributes(fields: &mut Fields, name: &'static str) -> Result<Vec<KeyValue>, Odd> {
    fields.list(name, key_value)
}

fn key_value(value: Value) -> Result<KeyValue, Odd> {
    let mut fields = Fields::of(value, "an attribute")?;
    Ok(KeyValue { key: fields.text("key")?, value: fields.optional("value", any_value)?, ..KeyValue::default() })
}

/// An `AnyValue`; one without any known field is the empty value.
fn any_value(value: Value) -> Result<AnyValue, Odd> {
    use any_value::Value as Any;
    let mut fields = Fields::of(value, "an attribute's value")?;
    let value = if let Some(text) = fields.take("stringValue") {
        Some(Any::StringValue(Fields::text_of(text, "stringValue")?))
    } else if let Some(integer) = fields.take("intValue") {
        Some(Any::IntValue(Fields::integer_of(&integer, "intValue")?))
    } else if let Some(flag) = fields.optional("boolValue", |value| Fields::flag_of(&value, "boolValue"))? {
        Some(Any::BoolValue(flag))
    } else if let Some(number) = fields.take("doubleValue") {
        Some(Any::DoubleValue(Fields::float_of(&number, "doubleValue")?))
    } else if let Some(array) = fields.take("arrayValue") {
        Some(Any::ArrayValue(ArrayValue { values: Fields::of(array, "arrayValue")?.list("values", any_value)? }))
    } else if let Some(list) = fields.take("kvlistValue") {
        Some(Any::KvlistValue(KeyValueList { values: Fields::of(list, "kvlistValue")?.list("values", key_value)? }))
    } else if let Some(bytes) = fields.take("bytesValue") {
        Some(Any::BytesValue(fields::base64(&Fields::text_of(bytes, "bytesValue")?)?))
    } else {
        None
    };
    Ok(AnyValue { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::{
        collector::{
            logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
            trace::v1::ExportTraceServiceRequest,
        },
        logs::v1::ResourceLogs,
        metrics::v1::{ResourceMetrics, metric::Data, number_data_point},
        trace::v1::ResourceSpans,
    };
    use proptest::prelude::*;
    use serde_json::json;

    /// What the JavaScript SDK's OTLP/HTTP exporters sent: integers as numbers, empty lists, `null` for what JSON has not.
    const JAVASCRIPT_LOGS: &str = include_str!("fixtures/javascript-logs.json");
    const JAVASCRIPT_SPANS: &str = include_str!("fixtures/javascript-spans.json");
    const JAVASCRIPT_METRICS: &str = include_str!("fixtures/javascript-metrics.json");
    /// The examples of the OTLP specification, one for each signal.
    const EXAMPLE_LOGS: &str = include_str!("fixtures/example-logs.json");
    const EXAMPLE_SPANS: &str = include_str!("fixtures/example-spans.json");
    const EXAMPLE_METRICS: &str = include_str!("fixtures/example-metrics.json");

    fn signals(kind: SignalKind, body: &str) -> Vec<Signal> {
        let decoded = read(kind, body.as_bytes()).unwrap();
        assert_eq!((decoded.rejected, decoded.message.as_str()), (0, ""));
        decoded.signals
    }

    fn logs_with(record: &Value) -> Result<Decoded, Odd> {
        let request = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [record] }] }] });
        read(SignalKind::Logs, request.to_string().as_bytes())
    }

    fn only_logs(signals: &[Signal]) -> &ResourceLogs {
        match signals {
            [Signal::Logs(logs)] => logs,
            other => panic!("{other:?}"),
        }
    }

    fn only_spans(signals: &[Signal]) -> &ResourceSpans {
        match signals {
            [Signal::Traces(spans)] => spans,
            other => panic!("{other:?}"),
        }
    }

    fn only_metrics(signals: &[Signal]) -> &ResourceMetrics {
        match signals {
            [Signal::Metrics(metrics)] => metrics,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_specifications_examples_are_read_as_the_generated_types_read_them() {
        let logs: ExportLogsServiceRequest = serde_json::from_str(EXAMPLE_LOGS).unwrap();
        assert_eq!(only_logs(&signals(SignalKind::Logs, EXAMPLE_LOGS)), &logs.resource_logs[0]);
        let spans: ExportTraceServiceRequest = serde_json::from_str(EXAMPLE_SPANS).unwrap();
        assert_eq!(only_spans(&signals(SignalKind::Traces, EXAMPLE_SPANS)), &spans.resource_spans[0]);
        let metrics: ExportMetricsServiceRequest = serde_json::from_str(EXAMPLE_METRICS).unwrap();
        assert_eq!(only_metrics(&signals(SignalKind::Metrics, EXAMPLE_METRICS)), &metrics.resource_metrics[0]);
        assert_eq!(signals(SignalKind::Metrics, EXAMPLE_METRICS)[0].records(), 4);
    }

    #[test]
    fn what_the_javascript_sdk_sends_is_read_whole() {
        let logs = signals(SignalKind::Logs, JAVASCRIPT_LOGS);
        let records = &only_logs(&logs).scope_logs[0].log_records;
        assert_eq!((records.len(), records[0].trace_id.len(), records[1].event_name.as_str()), (2, 16, "e"));
        assert!(format!("{:?}", records[0].attributes).contains("BytesValue([1, 2, 255])"));
        assert_eq!(signals(SignalKind::Metrics, JAVASCRIPT_METRICS)[0].records(), 4);
        let signals = signals(SignalKind::Traces, JAVASCRIPT_SPANS);
        let spans = &only_spans(&signals).scope_spans[0].spans;
        assert_eq!(
            spans.iter().map(|span| (span.name.as_str(), span.kind)).collect::<Vec<_>>(),
            [("child", 3), ("root", 2)]
        );
        assert_eq!((spans[0].links.len(), spans[0].events[0].attributes.len()), (1, 3));
        assert_eq!((spans[0].parent_span_id.len(), spans[0].parent_span_id == spans[1].span_id), (8, true));
        assert!(spans[1].parent_span_id.is_empty() && spans[0].start_time_unix_nano > 1_500_000_000_000_000_000);
    }

    #[test]
    fn what_the_generated_types_refuse_is_read() {
        let record = json!({
            "body": { "arrayValue": {} },
            "traceId": null,
            "severityNumber": "SEVERITY_NUMBER_WARN",
            "droppedAttributesCount": "3",
            "attributes": [
                { "key": "list", "value": { "kvlistValue": {} } },
                { "key": "nan", "value": { "doubleValue": "NaN" } },
                { "key": "null", "value": null },
                { "key": "odd", "value": { "someNewValue": 1 } },
                { "value": { "bytesValue": "-_8" } },
            ],
            "someNewField": {},
        });
        let decoded = logs_with(&record).unwrap();
        let record = &only_logs(&decoded.signals).scope_logs[0].log_records[0];
        assert_eq!((record.severity_number, record.dropped_attributes_count, record.trace_id.len()), (13, 3, 0));
        assert_eq!(record.body, Some(AnyValue { value: Some(any_value::Value::ArrayValue(ArrayValue::default())) }));
        let shown: Vec<String> = record.attributes.iter().map(|kv| format!("{}={:?}", kv.key, kv.value)).collect();
        assert!(
            shown[1].contains("NaN") && shown[2].ends_with("None") && shown[3].contains("value: None"),
            "{shown:?}"
        );
        assert!(shown[4].contains("[251, 255]"), "{shown:?}");
    }

    #[test]
    fn a_data_point_that_cannot_be_read_costs_itself_alone() {
        let points = json!([{ "asInt": "5" }, { "asInt": "five" }, { "asDouble": 1 }]);
        let bad = json!({ "name": 7, "sum": { "dataPoints": [{}, {}] } });
        let metrics = json!([{ "name": "m", "gauge": { "dataPoints": points } }, bad]);
        let request = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": metrics }] }] });
        let decoded = read(SignalKind::Metrics, request.to_string().as_bytes()).unwrap();
        assert_eq!((decoded.rejected, decoded.message.as_str()), (3, "asInt is no integer that fits"));
        let metrics = &only_metrics(&decoded.signals).scope_metrics[0].metrics;
        let Some(Data::Gauge(gauge)) = &metrics[0].data else { panic!("{metrics:?}") };
        let values: Vec<_> = gauge.data_points.iter().map(|point| point.value).collect();
        assert_eq!(values, [Some(number_data_point::Value::AsInt(5)), Some(number_data_point::Value::AsDouble(1.0))]);
    }

    #[test]
    fn what_is_no_otlp_is_refused_whole() {
        assert!(read(SignalKind::Logs, b"{").is_err() && read(SignalKind::Logs, b"[]").is_err());
        assert!(read(SignalKind::Logs, b"{\"resourceLogs\":[{\"scopeLogs\":[7]}]}").is_err());
        assert!(read(SignalKind::Logs, "[".repeat(100_000).as_bytes()).is_err());
        assert!(signals(SignalKind::Logs, "{}").is_empty());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = read(SignalKind::Metrics, &body).is_ok();
        }
    }
}
