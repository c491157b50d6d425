//! OpenTelemetry's layers, which instrument a runtime without a change to the function's code.

use serde::Deserialize;

use super::plan::Instrumentation;

/// The table, which is dated: the layers are versions.
const BUILT_IN: &str = include_str!("instrument.toml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    layers: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    runtime: String,
    layer: String,
    wrapper: String,
}

/// Those of a region.
///
/// # Panics
/// Not with the built-in table: a test reads it.
#[must_use]
pub fn known(region: &str) -> Vec<Instrumentation> {
    let table: Table = toml_edit::de::from_str(BUILT_IN).expect("the built-in table is well formed: a test reads it");
    let arn = |layer: &str| layer.replace("{region}", region);
    let entries = table.layers.into_iter();
    entries.map(|Entry { runtime, layer, wrapper }| Instrumentation { runtime, arn: arn(&layer), wrapper }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_is_one_of_the_region_and_has_a_wrapper_in_opt() {
        let known = known("eu-west-1");
        assert!(known.len() >= 4);
        for Instrumentation { runtime, arn, wrapper } in known {
            assert!(
                arn.starts_with("arn:aws:lambda:eu-west-1:") && wrapper.starts_with("/opt/"),
                "{runtime}: {arn} {wrapper}"
            );
        }
    }
}
