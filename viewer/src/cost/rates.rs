//! Prices: the built-in table, which is dated, or a file in the same form.

use serde::Deserialize;

/// The built-in table, as a file to change.
pub const BUILT_IN: &str = include_str!("rates.toml");

/// What things cost, in US dollars.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// When the prices were captured.
    pub dated: String,
    /// For which region they hold.
    pub region: String,
    /// Amazon CloudWatch Logs.
    pub cloudwatch: CloudWatch,
    /// ClickHouse.
    pub clickhouse: ClickHouse,
    /// AWS Lambda; the built-in prices where the file has none.
    #[serde(default)]
    pub lambda: Lambda,
}

/// Prices of AWS Lambda.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lambda {
    /// A second of a GB of memory, on x86_64.
    pub gb_second_x86_64: f64,
    /// The same on arm64.
    pub gb_second_arm64: f64,
}

impl Default for Lambda {
    fn default() -> Self {
        Rates::built_in().lambda
    }
}

impl Lambda {
    /// A second of a GB on that architecture; the dearer one where it is not known.
    #[must_use]
    pub fn gb_second(&self, architecture: &str) -> f64 {
        if matches!(architecture, "arm64" | "aarch64") { self.gb_second_arm64 } else { self.gb_second_x86_64 }
    }
}

/// Prices of Amazon CloudWatch Logs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloudWatch {
    /// Ingestion, by tiers of a month's volume, the first tier first.
    pub ingest: Vec<Tier>,
    /// Storage of a GB, compressed, for a month.
    pub storage_per_gb_month: f64,
    /// What compression leaves of a byte.
    pub compressed_to: f64,
    /// Bytes billed for every event beside its text.
    pub bytes_per_event: u64,
    /// Bytes billed for Lambda's own lines of an invocation.
    pub bytes_per_invocation: u64,
}

/// A tier of ingestion.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Where it ends; the last one does not.
    pub up_to_gb: Option<f64>,
    /// The price of a GB in it.
    pub per_gb: f64,
}

/// Prices of ClickHouse.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClickHouse {
    /// Storage of a GB, compressed, for a month; unknown where the file does not say it.
    pub storage_per_gb_month: Option<f64>,
}

impl Rates {
    /// The built-in table.
    #[must_use]
    pub fn built_in() -> Self {
        Self::parse(BUILT_IN).expect("the built-in prices are well formed: a test reads them")
    }

    /// Prices from a file's text.
    ///
    /// # Errors
    /// When it is not in the form of the built-in table, in one line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rates: Self = toml_edit::de::from_str(text).map_err(|error| error.message().replace('\n', " "))?;
        rates.check()?;
        Ok(rates)
    }

    /// Whether they can be reckoned with.
    ///
    /// # Errors
    /// When they cannot, in one line.
    pub fn check(&self) -> Result<(), String> {
        let ends: Vec<Option<f64>> = self.cloudwatch.ingest.iter().map(|tier| tier.up_to_gb).collect();
        let rising = ends.windows(2).all(|pair| match (pair[0], pair[1]) {
            (Some(one), Some(next)) => one < next,
            (Some(_), None) => true,
            (None, _) => false,
        });
        if ends.is_empty() || !rising || ends.last() != Some(&None) {
            return Err("the tiers of ingest must rise, and only the last has no up_to_gb".to_owned());
        }
        Ok(())
    }
}

/// What a month's volume costs through the tiers.
#[must_use]
pub fn through_tiers(tiers: &[Tier], gb: f64) -> f64 {
    let mut below = 0.0;
    let mut dollars = 0.0;
    for tier in tiers {
        let end = tier.up_to_gb.unwrap_or(f64::INFINITY).min(gb);
        dollars += (end - below).max(0.0) * tier.per_gb;
        below = end.max(below);
    }
    dollars
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ingest(gb: f64) -> f64 {
        through_tiers(&Rates::built_in().cloudwatch.ingest, gb)
    }

    #[test]
    fn sixty_terabytes_cost_twelve_thousand_five_hundred_dollars() {
        assert!((ingest(60_000.0) - 12_500.0).abs() < 1e-6);
    }

    #[test]
    fn every_tier_has_its_own_price() {
        for (gb, dollars) in [
            (0.0, 0.0),
            (1.0, 0.5),
            (10_000.0, 5_000.0),
            (10_001.0, 5_000.25),
            (30_000.0, 10_000.0),
            (50_000.0, 12_000.0),
            (50_001.0, 12_000.05),
        ] {
            assert!((ingest(gb) - dollars).abs() < 1e-6, "{gb} GB cost {}", ingest(gb));
        }
    }

    #[test]
    fn tiers_that_do_not_rise_are_refused() {
        for tiers in [
            "[]",
            "[{ up_to_gb = 1, per_gb = 1.0 }]",
            "[{ per_gb = 1.0 }, { per_gb = 2.0 }]",
            "[{ up_to_gb = 2, per_gb = 1.0 }, { up_to_gb = 1, per_gb = 1.0 }, { per_gb = 1.0 }]",
        ] {
            let start = BUILT_IN.find("ingest = [").unwrap();
            let end = BUILT_IN.find("# Storage is billed").unwrap();
            let text = format!("{}ingest = {tiers}\n{}", &BUILT_IN[..start], &BUILT_IN[end..]);
            assert!(Rates::parse(&text).is_err(), "{tiers}");
        }
    }

    #[test]
    fn a_misspelt_price_is_not_overlooked() {
        let text = BUILT_IN.replace("compressed_to", "compresed_to");
        assert!(Rates::parse(&text).unwrap_err().contains("compresed_to"));
    }
}
