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
