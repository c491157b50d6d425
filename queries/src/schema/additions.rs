//! What can be added to ClickStack's tables so that questions about functions cost less: optional, applied by command only,
//! recognised by [`super::probe()`], and taken away again by the same hand.

use clickhouse::Client;

use super::{Attributes, Materialized, Schema, SchemaError};
use crate::window::Window;

/// An addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addition {
    /// `faas.name` in a column of its own, in both tables.
    FaasName,
    /// What each function did in each five minutes, counted as rows arrive.
    Functions,
}

/// A statement that is a part of an addition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it makes or fills.
    pub what: &'static str,
    /// The statement as it stands in its file.
    pub sql: &'static str,
}

macro_rules! steps {
    ($($file:literal: $what:literal),+ $(,)?) => {
        &[$(Step { what: $what, sql: include_str!(concat!("../../sql/schema/additions/", $file, ".sql")) }),+]
    };
}

impl Addition {
    /// Every addition, the one that helps most first.
    pub const ALL: [Self; 2] = [Self::Functions, Self::FaasName];

    /// Its name, as it is typed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FaasName => "faas-name",
            Self::Functions => "functions",
        }
    }

    /// Whether it is there.
    #[must_use]
    pub fn is_in(self, schema: &Schema) -> bool {
        let has_column = |materialized: &[Materialized]| {
            materialized.iter().any(|column| column.source == "ResourceAttributes" && column.key == "faas.name")
        };
        match self {
            Self::FaasName => has_column(&schema.logs.materialized) && has_column(&schema.traces.materialized),
            Self::Functions => schema.functions_rollup,
        }
    }

    /// Why these tables cannot have it.
    #[must_use]
    pub fn hindrance(self, schema: &Schema) -> Option<&'static str> {
        if schema.logs.layout.attributes() == Attributes::Json || schema.traces.attributes == Attributes::Json {
            return Some("the attributes are in JSON columns, where each is a column already");
        }
        None
    }

    /// The statements that add it.
    #[must_use]
    pub const fn steps(self) -> &'static [Step] {
        match self {
            Self::FaasName => steps![
                "faas_name_of_logs": "the column of otel_logs",
                "faas_name_of_traces": "the column of otel_traces",
            ],
            Self::Functions => steps![
                "lambdaview_functions_5m": "the table",
                "lambdaview_functions_5m_logs_mv": "the view that counts log records",
                "lambdaview_functions_5m_spans_mv": "the view that counts invocations",
            ],
        }
    }

    /// The statements that bring in what was there before; those of [`Self::Functions`] count one [`Window`] at a time.
    #[must_use]
    pub const fn backfill(self) -> &'static [Step] {
        match self {
            Self::FaasName => steps![
                "faas_name_of_logs_backfill": "the column of otel_logs",
                "faas_name_of_traces_backfill": "the column of otel_traces",
            ],
            Self::Functions => steps![
                "lambdaview_functions_5m_logs_backfill": "log records",
                "lambdaview_functions_5m_spans_backfill": "invocations",
            ],
        }
    }

    /// The statements that take it away.
    #[must_use]
    pub const fn removal(self) -> &'static [Step] {
        match self {
            Self::FaasName => steps![
                "faas_name_of_logs_drop": "the column of otel_logs",
                "faas_name_of_traces_drop": "the column of otel_traces",
            ],
            Self::Functions => steps![
                "lambdaview_functions_5m_logs_mv_drop": "the view that counts log records",
                "lambdaview_functions_5m_spans_mv_drop": "the view that counts invocations",
                "lambdaview_functions_5m_drop": "the table",
            ],
        }
    }
}

impl Step {
    /// The statement alone: as it is sent, and as it can be pasted into `clickhouse client`.
    #[must_use]
    pub fn statement(&self) -> String {
        let lines = self.sql.lines().filter(|line| !line.starts_with("--"));
        lines.collect::<Vec<_>>().join("\n").trim_end_matches(';').to_owned()
    }
}

/// Runs a step: `start` is from when on views count, `window` what a backfill brings in.
///
/// # Errors
/// When the server refuses it.
pub async fn run(client: &Client, step: &Step, start: i64, window: Window) -> Result<(), SchemaError> {
    let query = client.query_raw(&step.statement()).param("start", start);
    let query = query.param("from", window.from).param("until", window.until);
    query.execute().await.map_err(|source| SchemaError::Add { what: step.what, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_one_statement_and_says_what_it_is_for() {
        for addition in Addition::ALL {
            for step in [addition.steps(), addition.backfill(), addition.removal()].concat() {
                assert!(step.sql.starts_with("-- "), "{}", step.sql);
                assert!(!step.statement().contains(';'), "{}", step.sql);
            }
        }
    }
}
