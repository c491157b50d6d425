//! Attributes as rows bring them: a map, or in JSON mode one key with the whole object, whose paths are then the names.

use serde::de::{Deserialize, Deserializer};
use serde_json::Value;

use super::Text;

/// Names and values, in the order in which the row has them.
pub type Attributes = Vec<(Text, Text)>;

/// The key under which `sql/layouts/json.txt` hands over a whole object. No attribute is called so.
const WHOLE: &str = "\0";

/// Reads the attributes of a record.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Attributes, D::Error> {
    Attributes::deserialize(deserializer).map(flat)
}

/// Reads the attributes of each of several.
pub(super) fn read_each<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Attributes>, D::Error> {
    let each = Vec::<Attributes>::deserialize(deserializer)?;
    Ok(each.into_iter().map(flat).collect())
}

fn flat(attributes: Attributes) -> Attributes {
    let [(key, object)] = &attributes[..] else { return attributes };
    if &**key != WHOLE {
        return attributes;
    }
    let Ok(object) = serde_json::from_str::<Value>(object) else { return attributes };
    let mut flat = Vec::new();
    add(&mut flat, "", object);
    flat
}

fn add(flat: &mut Attributes, path: &str, value: Value) {
    let text = match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name } else { format!("{path}.{name}") };
                add(flat, &path, value);
            }
            return;
        }
        // A path that a row lacks.
        Value::Null => return,
        Value::String(text) => text,
        other => other.to_string(),
    };
    flat.push((path.into(), text.as_str().into()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_an_object_are_names() {
        let object = r#"{"faas":{"name":"f","n":5},"level":"info","tags":["a"],"gone":null}"#;
        let read = flat(vec![(WHOLE.into(), object.into())]);
        let read: Vec<(&str, &str)> = read.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(read, [("faas.n", "5"), ("faas.name", "f"), ("level", "info"), ("tags", r#"["a"]"#)]);
    }

    #[test]
    fn a_map_is_left_as_it_is() {
        let map: Attributes = vec![("faas.name".into(), r#"{"a":1}"#.into())];
        assert_eq!(flat(map.clone()), map);
    }
}
