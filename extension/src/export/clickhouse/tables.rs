//! ClickStack's tables: their names, what of a batch goes into each, and how.

use std::io::Write;

use bytes::Bytes;
use lambdaview_queries::tables::{
    Row,
    log::LogRow,
    metric::{ExponentialHistogramRow, GaugeRow, HistogramRow, SumRow, SummaryRow},
    span::SpanRow,
};
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use serde::Serialize;

use super::{
    columns::{Column, Plan, Unusable},
    row_binary::{self, Misfit},
};
use crate::{export::rows::Rows, flow::UnixNanos};

/// Rows are handed to the compressor in pieces of this size.
const PIECE: usize = 64 << 10;

/// One of the tables that rows are written into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Logs,
    Sessions,
    Traces,
    Gauge,
    Sum,
    Histogram,
    ExponentialHistogram,
    Summary,
}

impl Table {
    pub(super) const ALL: [Self; 8] = [
        Self::Logs,
        Self::Sessions,
        Self::Traces,
        Self::Gauge,
        Self::Sum,
        Self::Histogram,
        Self::ExponentialHistogram,
        Self::Summary,
    ];

    /// Its name, and the one that the collector's own exporter gives it where that is another.
    fn names(self, prefix: &str) -> (String, Option<String>) {
        let name = match self {
            Self::Logs => "logs",
            Self::Sessions => return ("hyperdx_sessions".to_owned(), None),
            Self::Traces => "traces",
            Self::Gauge => "metrics_gauge",
            Self::Sum => "metrics_sum",
            Self::Histogram => "metrics_histogram",
            Self::ExponentialHistogram => "metrics_exponential_histogram",
            Self::Summary => "metrics_summary",
        };
        let other = (self == Self::ExponentialHistogram).then(|| format!("{prefix}_metrics_exp_histogram"));
        (format!("{prefix}_{name}"), other)
    }

    fn plan(self, database: &str, table: &str, columns: &[Column]) -> Result<Plan, Unusable> {
        match self {
            Self::Logs | Self::Sessions => Plan::new::<LogRow>(database, table, columns),
            Self::Traces => Plan::new::<SpanRow>(database, table, columns),
            Self::Gauge => Plan::new::<GaugeRow>(database, table, columns),
            Self::Sum => Plan::new::<SumRow>(database, table, columns),
            Self::Histogram => Plan::new::<HistogramRow>(database, table, columns),
            Self::ExponentialHistogram => Plan::new::<ExponentialHistogramRow>(database, table, columns),
            Self::Summary => Plan::new::<SummaryRow>(database, table, columns),
        }
    }

    /// How many of the rows are for it.
    pub(super) fn count(self, rows: &Rows) -> usize {
        match self {
            Self::Logs => rows.logs.len(),
            Self::Sessions => rows.sessions.len(),
            Self::Traces => rows.spans.len(),
            Self::Gauge => rows.gauges.len(),
            Self::Sum => rows.sums.len(),
            Self::Histogram => rows.histograms.len(),
            Self::ExponentialHistogram => rows.exponential_histograms.len(),
            Self::Summary => rows.summaries.len(),
        }
    }

    /// The body of an insert of its rows.
    pub(super) fn encode(self, rows: &Rows, plan: &Plan, compress: bool) -> Result<Bytes, Misfit> {
        match self {
            Self::Logs => encode(&rows.logs, plan, compress),
            Self::Sessions => encode(&rows.sessions, plan, compress),
            Self::Traces => encode(&rows.spans, plan, compress),
            Self::Gauge => encode(&rows.gauges, plan, compress),
            Self::Sum => encode(&rows.sums, plan, compress),
            Self::Histogram => encode(&rows.histograms, plan, compress),
            Self::ExponentialHistogram => encode(&rows.exponential_histograms, plan, compress),
            Self::Summary => encode(&rows.summaries, plan, compress),
        }
    }
}

fn encode<R: Row + Serialize>(rows: &[R], plan: &Plan, compress: bool) -> Result<Bytes, Misfit> {
    let mut body = Body::new(compress);
    body.rows.extend_from_slice(&plan.header);
    for row in rows {
        row_binary::write(row, &plan.fields, &mut body.rows)?;
        body.drain();
    }
    Ok(body.finish())
}

/// Bytes of rows, compressed piece by piece where they are: the whole is never held uncompressed.
struct Body {
    rows: Vec<u8>,
    frame: Option<FrameEncoder<Vec<u8>>>,
}

impl Body {
    fn new(compress: bool) -> Self {
        let frame = FrameInfo::new().block_size(BlockSize::Max256KB).block_mode(BlockMode::Linked);
        Self { rows: Vec::new(), frame: compress.then(|| FrameEncoder::with_frame_info(frame, Vec::new())) }
    }

    fn drain(&mut self) {
        if let Some(frame) = self.frame.as_mut().filter(|_| self.rows.len() >= PIECE) {
            frame.write_all(&self.rows).expect("a Vec takes everything");
            self.rows.clear();
        }
    }

    fn finish(self) -> Bytes {
        match self.frame {
            None => self.rows.into(),
            Some(mut frame) => {
                frame.write_all(&self.rows).expect("a Vec takes everything");
                frame.finish().expect("a Vec takes everything").into()
            }
        }
    }
}

/// How rows are written into each table, as far as it can be, as of the last look at them.
#[derive(Debug)]
pub(super) struct Catalogue {
    plans: [Result<Plan, Unusable>; Table::ALL.len()],
    /// When the tables were looked at.
    pub(super) looked_at: UnixNanos,
}

impl Catalogue {
    /// The names that a table may have.
    pub(super) fn names(prefix: &str) -> impl Iterator<Item = String> {
        Table::ALL.into_iter().flat_map(move |table| {
            let (name, other) = table.names(prefix);
            std::iter::once(name).chain(other)
        })
    }

    /// From the columns that were found at `looked_at`.
    pub(super) fn new(database: &str, prefix: &str, columns: &[Column], looked_at: UnixNanos) -> Self {
        let is_there = |name: &String| columns.iter().any(|column| column.table == *name);
        let plans = Table::ALL.map(|table| {
            let (name, other) = table.names(prefix);
            let name = other.filter(|other| is_there(other) && !is_there(&name)).unwrap_or(name);
            table.plan(database, &name, columns)
        });
        Self { plans, looked_at }
    }

    pub(super) const fn plan(&self, table: Table) -> &Result<Plan, Unusable> {
        &self.plans[table as usize]
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn columns(table: &str) -> Vec<Column> {
        let column =
            |name: &&str| Column { table: table.to_owned(), name: (*name).to_owned(), r#type: "String".to_owned() };
        ExponentialHistogramRow::COLUMN_NAMES.iter().map(column).collect()
    }

    #[test]
    fn a_table_is_found_under_the_name_that_the_collectors_own_exporter_gives_it() {
        for name in ["mine_metrics_exponential_histogram", "mine_metrics_exp_histogram"] {
            let catalogue = Catalogue::new("default", "mine", &columns(name), 0);
            let plan = catalogue.plan(Table::ExponentialHistogram).as_ref().unwrap();
            assert!(plan.statement.starts_with(&format!("INSERT INTO `default`.`{name}` (")), "{plan:?}");
        }
        let catalogue = Catalogue::new("default", "mine", &[], 0);
        let error = catalogue.plan(Table::ExponentialHistogram).as_ref().unwrap_err();
        assert_eq!(*error, Unusable::missing("default", "mine_metrics_exponential_histogram"));
        assert_eq!(Catalogue::names("mine").count(), Table::ALL.len() + 1);
    }

    #[test]
    fn a_compressed_body_is_the_uncompressed_one() {
        let rows =
            Rows { logs: vec![LogRow { body: "hello".repeat(999), ..LogRow::default() }; 60], ..Rows::default() };
        let types = [("Timestamp", "DateTime64(9)"), ("TraceFlags", "UInt8"), ("SeverityNumber", "UInt8")];
        let of = |name: &str| match types.iter().find(|(known, _)| *known == name) {
            Some((_, r#type)) => *r#type,
            None if name.ends_with("Attributes") => "Map(String, String)",
            None => "String",
        };
        let column = |name: &&str| Column {
            table: "otel_logs".to_owned(),
            name: (*name).to_owned(),
            r#type: of(name).to_owned(),
        };
        let columns: Vec<Column> = LogRow::COLUMN_NAMES.iter().map(column).collect();
        let plan = Table::Logs.plan("default", "otel_logs", &columns).unwrap();
        let [plain, compressed] = [false, true].map(|compress| Table::Logs.encode(&rows, &plan, compress).unwrap());
        let mut inflated = Vec::new();
        lz4_flex::frame::FrameDecoder::new(&*compressed).read_to_end(&mut inflated).unwrap();
        assert!(plain.len() > 4 * PIECE && compressed.len() < plain.len() / 20);
        assert_eq!(inflated, plain);
    }
}
