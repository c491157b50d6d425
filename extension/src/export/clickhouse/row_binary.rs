//! Rows in ClickHouse's `RowBinary`: each field in the type of the column it goes to. Pure.
//!
//! A row tells its fields through serde, and a [`Plan`](super::columns::Plan) what becomes of each. Numbers that a column
//! cannot hold become the nearest that it can, and times, which rows have in nanoseconds, are written in the column's unit.

use std::{collections::BTreeSet, fmt};

use lambdaview_queries::tables::JSON;
use serde::{
    Serialize, Serializer,
    ser::{self, Impossible},
};

use super::columns::{Field, Type};

/// A value that its column does not take: the rows and the table are of different minds.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column} does not take {what}")]
pub(super) struct Misfit {
    column: &'static str,
    what: String,
}

impl ser::Error for Misfit {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self { column: "?", what: what.to_string() }
    }
}

fn misfit(what: &str) -> Misfit {
    ser::Error::custom(what)
}

/// Appends `row` to `out`, its fields as `fields` has them.
pub(super) fn write<R: Serialize>(row: &R, fields: &[Field], out: &mut Vec<u8>) -> Result<(), Misfit> {
    row.serialize(Writer { target: Target::Row(fields), out })
}

/// What is to become of the value that comes.
#[derive(Clone, Copy)]
enum Target<'a> {
    /// All columns of a row.
    Row(&'a [Field]),
    /// A column, or what it is made of.
    Value(&'a Type),
    /// A list of a map's keys, those of nested objects with their path.
    Keys,
    /// A part of a JSON text.
    Json,
    /// The text that stands in a JSON already.
    RawJson,
    /// A key, as it is.
    Key,
}

struct Writer<'a, 'b> {
    target: Target<'a>,
    out: &'b mut Vec<u8>,
}

impl Writer<'_, '_> {
    fn value(&self) -> Result<&Type, Misfit> {
        match self.target {
            Target::Value(r#type) => Ok(r#type),
            _ => Err(misfit("a number")),
        }
    }

    /// The type within `Nullable`, whose mark of "not null" is written.
    fn present(&mut self) {
        if let Target::Value(Type::Nullable(inner)) = self.target {
            self.out.push(0);
            self.target = Target::Value(inner);
        }
    }

    fn integer(mut self, number: i128) -> Result<(), Misfit> {
        self.present();
        let bytes = match *self.value()? {
            Type::Integer { bytes, signed } => {
                let bits = u32::from(bytes) * 8;
                let (least, most) = match signed {
                    true => (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1),
                    false => (0, (1_i128 << bits) - 1),
                };
                (number.clamp(least, most), usize::from(bytes))
            }
            Type::Bool => (i128::from(number != 0), 1),
            Type::Seconds => ((number / 1_000_000_000).clamp(0, u32::MAX.into()), 4),
            Type::Ticks(digits) => (number / 10_i128.pow(9 - u32::from(digits)), 8),
            #[expect(clippy::cast_precision_loss, reason = "the column is a float")]
            Type::Float32 | Type::Float64 => return self.float(number as f64),
            _ => return Err(misfit("a number")),
        };
        let (number, length) = bytes;
        self.out.extend_from_slice(&number.to_le_bytes()[..length]);
        Ok(())
    }

    fn float(mut self, number: f64) -> Result<(), Misfit> {
        self.present();
        match self.value()? {
            Type::Float64 => self.out.extend_from_slice(&number.to_le_bytes()),
            #[expect(clippy::cast_possible_truncation, reason = "the column has no more digits")]
            Type::Float32 => self.out.extend_from_slice(&(number as f32).to_le_bytes()),
            _ => return Err(misfit("a number with a fraction")),
        }
        Ok(())
    }
}

/// A length before what it counts: seven bits a byte, the lowest first.
pub(super) fn write_length(mut length: usize, out: &mut Vec<u8>) {
    while length > 0x7f {
        out.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).expect("seven bits"));
}

pub(super) fn write_text(text: &[u8], out: &mut Vec<u8>) {
    write_length(text.len(), out);
    out.extend_from_slice(text);
}

macro_rules! integers {
    ($($method:ident $number:ty),+) => {
        $(fn $method(self, number: $number) -> Result<(), Misfit> {
            self.integer(number.into())
        })+
    };
}

macro_rules! never {
    ($($method:ident($($argument:ty),*) $ok:ty;)+) => {
        $(fn $method(self $(, _: $argument)*) -> Result<$ok, Misfit> {
            Err(misfit(stringify!($method)))
        })+
    };
}

impl<'a, 'b> Serializer for Writer<'a, 'b> {
    type Ok = ();
    type Error = Misfit;
    type SerializeSeq = Elements<'a, 'b>;
    type SerializeMap = Pairs<'b>;
    type SerializeStruct = Columns<'a, 'b>;
    type SerializeTuple = Impossible<(), Misfit>;
    type SerializeTupleStruct = Impossible<(), Misfit>;
    type SerializeTupleVariant = Impossible<(), Misfit>;
    type SerializeStructVariant = Impossible<(), Misfit>;

    integers!(serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64);
    integers!(serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64, serialize_bool bool);
    never! {
        serialize_char(char) ();
        serialize_bytes(&[u8]) ();
        serialize_none() ();
        serialize_unit() ();
        serialize_unit_struct(&'static str) ();
        serialize_unit_variant(&'static str, u32, &'static str) ();
        serialize_tuple(usize) Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) Self::SerializeTupleVariant;
        serialize_struct_variant(&'static str, u32, &'static str, usize) Self::SerializeStructVariant;
    }

    fn serialize_f32(self, number: f32) -> Result<(), Misfit> {
        self.float(number.into())
    }

    fn serialize_f64(self, number: f64) -> Result<(), Misfit> {
        self.float(number)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Misfit> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Misfit> {
        Err(misfit("a variant"))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(mut self, name: &'static str, value: &T) -> Result<(), Misfit> {
        if name == JSON && matches!(self.target, Target::Json) {
            self.target = Target::RawJson;
        }
        value.serialize(self)
    }

    fn serialize_str(mut self, text: &str) -> Result<(), Misfit> {
        self.present();
        match self.target {
            Target::Value(Type::Text) => write_text(text.as_bytes(), self.out),
            Target::Key => self.out.extend_from_slice(text.as_bytes()),
            Target::RawJson => self.out.extend_from_slice(if text.is_empty() { b"null" } else { text.as_bytes() }),
            Target::Json => serde_json::to_writer(self.out, text).map_err(Misfit::custom_of)?,
            _ => return Err(misfit("a text")),
        }
        Ok(())
    }

    fn serialize_seq(mut self, length: Option<usize>) -> Result<Self::SerializeSeq, Misfit> {
        self.present();
        let Target::Value(Type::Array(of)) = self.target else { return Err(misfit("a list")) };
        write_length(length.ok_or_else(|| misfit("a list of no length"))?, self.out);
        Ok(Elements { of, out: self.out })
    }

    fn serialize_map(mut self, length: Option<usize>) -> Result<Self::SerializeMap, Misfit> {
        self.present();
        let kind = match self.target {
            Target::Value(Type::Map) => {
                write_length(length.ok_or_else(|| misfit("a map of no length"))?, self.out);
                Kind::Plain
            }
            Target::Value(Type::Json) => Kind::Json(b"{".to_vec()),
            Target::Keys => Kind::Keys { path: String::new(), keys: BTreeSet::new() },
            _ => return Err(misfit("a map")),
        };
        Ok(Pairs { kind, out: self.out })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Misfit> {
        let Target::Row(fields) = self.target else { return Err(misfit("a structure")) };
        Ok(Columns { fields, out: self.out })
    }
}

impl Misfit {
    fn custom_of(error: impl fmt::Display) -> Self {
        ser::Error::custom(error)
    }
}

/// The fields of a row.
struct Columns<'a, 'b> {
    fields: &'a [Field],
    out: &'b mut Vec<u8>,
}

impl ser::SerializeStruct for Columns<'_, '_> {
    type Ok = ();
    type Error = Misfit;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Misfit> {
        let (field, rest) = self.fields.split_first().expect("a plan has an entry for each field");
        debug_assert_eq!(field.name, name, "a plan is in the order of its row");
        self.fields = rest;
        let mut write = |target| {
            let written = value.serialize(Writer { target, out: &mut *self.out });
            written.map_err(|misfit| Misfit { column: field.name, ..misfit })
        };
        if let Some(r#type) = &field.r#type {
            write(Target::Value(r#type))?;
        }
        if field.keys { write(Target::Keys) } else { Ok(()) }
    }

    fn end(self) -> Result<(), Misfit> {
        Ok(())
    }
}

/// The elements of a list, whose number is written.
struct Elements<'a, 'b> {
    of: &'a Type,
    out: &'b mut Vec<u8>,
}

impl ser::SerializeSeq for Elements<'_, '_> {
    type Ok = ();
    type Error = Misfit;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Misfit> {
        value.serialize(Writer { target: Target::Value(self.of), out: &mut *self.out })
    }

    fn end(self) -> Result<(), Misfit> {
        Ok(())
    }
}

/// The pairs of a map.
struct Pairs<'b> {
    kind: Kind,
    out: &'b mut Vec<u8>,
}

enum Kind {
    /// A map, whose length is written.
    Plain,
    /// An object, whose text is gathered before its length can be written.
    Json(Vec<u8>),
    /// The keys alone, sorted and once each, as the collector has them.
    Keys { path: String, keys: BTreeSet<String> },
}

impl ser::SerializeMap for Pairs<'_> {
    type Ok = ();
    type Error = Misfit;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Misfit> {
        match &mut self.kind {
            Kind::Plain => key.serialize(Writer { target: Target::Value(&Type::Text), out: &mut *self.out }),
            Kind::Json(text) => {
                if text.len() > 1 {
                    text.push(b',');
                }
                key.serialize(Writer { target: Target::Json, out: &mut *text })?;
                text.push(b':');
                Ok(())
            }
            Kind::Keys { path, .. } => {
                let mut raw = Vec::new();
                key.serialize(Writer { target: Target::Key, out: &mut raw })?;
                *path = String::from_utf8(raw).map_err(Misfit::custom_of)?;
                Ok(())
            }
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Misfit> {
        match &mut self.kind {
            Kind::Plain => value.serialize(Writer { target: Target::Value(&Type::Text), out: &mut *self.out }),
            Kind::Json(text) => value.serialize(Writer { target: Target::Json, out: &mut *text }),
            Kind::Keys { path, keys } => {
                let mut text = Vec::new();
                value.serialize(Writer { target: Target::Json, out: &mut text })?;
                flatten(std::mem::take(path), &text, keys);
                Ok(())
            }
        }
    }

    fn end(self) -> Result<(), Misfit> {
        match self.kind {
            Kind::Plain => {}
            Kind::Json(mut text) => {
                text.push(b'}');
                write_text(&text, self.out);
            }
            Kind::Keys { keys, .. } => {
                write_length(keys.len(), self.out);
                keys.iter().for_each(|key| write_text(key.as_bytes(), self.out));
            }
        }
        Ok(())
    }
}

/// The path of a value, or those of an object's values.
fn flatten(path: String, json: &[u8], keys: &mut BTreeSet<String>) {
    match json.first() {
        Some(b'{') => match serde_json::from_slice(json) {
            Ok(serde_json::Value::Object(object)) => flatten_object(&path, &object, keys),
            _ => drop(keys.insert(path)),
        },
        _ => drop(keys.insert(path)),
    }
}

fn flatten_object(path: &str, object: &serde_json::Map<String, serde_json::Value>, keys: &mut BTreeSet<String>) {
    for (key, value) in object {
        let path = format!("{path}.{key}");
        match value {
            serde_json::Value::Object(object) => flatten_object(&path, object, keys),
            _ => drop(keys.insert(path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use lambdaview_queries::tables::{AttributeMap, AttributeValue};
    use proptest::prelude::*;

    use super::*;

    fn field(name: &'static str, r#type: &str, keys: bool) -> Field {
        Field { name, r#type: Some(Type::parse(r#type).unwrap()), keys }
    }

    /// `value` in a column of this type.
    fn written<T: Serialize>(value: T, r#type: &str) -> Result<Vec<u8>, Misfit> {
        #[derive(Serialize)]
        struct Row<T> {
            column: T,
        }
        let mut out = Vec::new();
        write(&Row { column: value }, &[field("column", r#type, false)], &mut out).map(|()| out)
    }

    fn attributes(pairs: &[(&str, AttributeValue)]) -> AttributeMap {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
    }

    fn json(text: &str) -> AttributeValue {
        AttributeValue::json(text.to_owned())
    }

    #[test]
    fn numbers_have_the_width_of_their_column_and_stay_within_it() {
        assert_eq!(written(300_u32, "UInt8"), Ok(vec![255]));
        assert_eq!(written(-1_i32, "UInt32"), Ok(vec![0; 4]));
        assert_eq!(written(9_u8, "Int32"), Ok(vec![9, 0, 0, 0]));
        assert_eq!(written(u64::MAX, "Int64"), Ok(i64::MAX.to_le_bytes().to_vec()));
        assert_eq!(written(true, "Bool"), Ok(vec![1]));
        assert_eq!(written(7_u64, "Float64"), Ok(7_f64.to_le_bytes().to_vec()));
        assert_eq!(written(0.5_f64, "Nullable(Float32)"), Ok([&[0][..], &0.5_f32.to_le_bytes()].concat()));
    }

    #[test]
    fn times_are_written_in_the_unit_of_their_column() {
        const TIME: i64 = 1_700_000_000_123_456_789;
        assert_eq!(written(TIME, "DateTime"), Ok(1_700_000_000_u32.to_le_bytes().to_vec()));
        assert_eq!(written(TIME, "DateTime64(9)"), Ok(TIME.to_le_bytes().to_vec()));
        assert_eq!(written(TIME, "DateTime64(3, 'UTC')"), Ok(1_700_000_000_123_i64.to_le_bytes().to_vec()));
        assert_eq!(written(i64::MAX, "DateTime"), Ok(u32::MAX.to_le_bytes().to_vec()));
    }

    #[test]
    fn lengths_take_seven_bits_a_byte() {
        let text = "x".repeat(300);
        assert_eq!(written(&text, "String"), Ok([&[0xac, 0x02][..], text.as_bytes()].concat()));
        assert_eq!(written(vec!["a", ""], "Array(String)"), Ok(vec![2, 1, b'a', 0]));
    }

    #[test]
    fn attributes_are_a_map_of_texts_or_a_json_of_values() {
        let map = attributes(&[("s", "5".to_owned().into()), ("n", json("5")), ("none", json(""))]);
        let plain = b"\x03\x01s\x015\x01n\x015\x04none\x00";
        assert_eq!(written(&map, "Map(LowCardinality(String), String)"), Ok(plain.to_vec()));
        let text = r#"{"s":"5","n":5,"none":null}"#;
        assert_eq!(written(&map, "JSON"), Ok([&[27][..], text.as_bytes()].concat()));
        assert_eq!(written([AttributeMap::default()].to_vec(), "Array(JSON)"), Ok(b"\x01\x02{}".to_vec()));
    }

    #[test]
    fn the_keys_of_a_json_are_flat_sorted_and_once_each() {
        #[derive(Serialize)]
        struct Row {
            map: AttributeMap,
        }
        let map = attributes(&[
            ("z", "{\"no\":1}".to_owned().into()),
            ("a", json(r#"{"y":{"x":1},"b":[{"c":1}],"e":{}}"#)),
            ("z", json("1")),
            ("", json("")),
        ]);
        let mut out = Vec::new();
        write(&Row { map }, &[Field { r#type: None, ..field("map", "JSON", true) }], &mut out).unwrap();
        assert_eq!(out, b"\x04\x00\x03a.b\x05a.y.x\x01z");
    }

    #[test]
    fn a_value_that_its_column_does_not_take_is_named_with_the_column() {
        let told = |written: Result<Vec<u8>, Misfit>| written.unwrap_err().to_string();
        assert_eq!(told(written("x", "UInt8")), "column column does not take a text");
        assert_eq!(told(written(5, "String")), "column column does not take a number");
        assert_eq!(told(written(0.5, "Int64")), "column column does not take a number with a fraction");
        assert_eq!(told(written(vec![1], "String")), "column column does not take a list");
        assert_eq!(told(written(AttributeMap::default(), "String")), "column column does not take a map");
    }

    proptest! {
        #[test]
        fn a_json_of_any_attributes_is_one(pairs in prop::collection::vec((".*", ".*"), 0..5)) {
            let map: AttributeMap = pairs.iter().cloned().collect();
            let bytes = written(&map, "JSON").unwrap();
            let start = bytes.iter().position(|byte| *byte < 0x80).unwrap() + 1;
            let object: std::collections::BTreeMap<String, String> = serde_json::from_slice(&bytes[start..]).unwrap();
            prop_assert_eq!(object, pairs.into_iter().collect());
        }
    }
}
