//! Which layout is there: asked of `system.tables` and `system.columns`, which every reader of the tables may read.
//!
//! `system.data_skipping_indices` and `system.parts` need grants that a reader seldom has, so indexes are recognised in the
//! statement that created the table.

use clickhouse::{Client, Row};
use serde::Deserialize;

use super::{Attributes, BodyIndex, Layout, LogsTable, Materialized, Schema, SchemaError, TracesTable};

/// Asks for `(table, name, type)` of every column of `{tables:Array(String)}` in `{database:String}` that rows are written
/// into, a JSON list a line: for who writes, and needs to know no more.
pub const INSERTABLE: &str = include_str!("../../sql/schema/probe_insertable.sql");

#[derive(Clone, Row, Deserialize)]
struct Table {
    name: String,
    sorting_key: String,
    engine_full: String,
    create_table_query: String,
}

#[derive(Row, Deserialize)]
struct Column {
    table: String,
    name: String,
    r#type: String,
    default_kind: String,
    default_expression: String,
}

/// Finds out what ClickStack's tables in the client's database look like.
///
/// # Errors
/// When `otel_logs` or `otel_traces` is missing, or not ClickStack's, or the server does not answer.
pub async fn probe(client: &Client) -> Result<Schema, SchemaError> {
    let tables = client
        .query_raw(include_str!("../../sql/schema/probe_tables.sql").trim_end().trim_end_matches(';'))
        .fetch_all::<Table>()
        .await
        .map_err(SchemaError::Probe)?;
    let columns = client
        .query_raw(include_str!("../../sql/schema/probe_columns.sql").trim_end().trim_end_matches(';'))
        .fetch_all::<Column>()
        .await
        .map_err(SchemaError::Probe)?;
    let behind = match tables.iter().find(|table| table.name == "otel_logs").and_then(distributed) {
        Some(place) => behind(client, &place).await,
        None => None,
    };
    recognise(&tables, behind.as_ref(), &columns, client.database().unwrap_or("default"))
}

/// Where the rows of a Distributed table lie.
struct Behind {
    cluster: String,
    database: String,
    table: String,
}

/// `Distributed('cluster', 'database', 'table', rand())`
fn distributed(table: &Table) -> Option<Behind> {
    let arguments = table.engine_full.strip_prefix("Distributed(")?;
    let mut names = arguments.split('\'').skip(1).step_by(2).map(str::to_owned);
    Some(Behind { cluster: names.next()?, database: names.next()?, table: names.next()? })
}

/// The table behind a Distributed one, on this server or another; `None` where neither can be looked at.
async fn behind(client: &Client, place: &Behind) -> Option<Table> {
    let Behind { cluster, database, table } = place;
    for question in [
        include_str!("../../sql/schema/probe_behind.sql"),
        include_str!("../../sql/schema/probe_behind_on_cluster.sql"),
    ] {
        let question = client.query_raw(question).param("database", database).param("table", table);
        // A user who may not ask is answered by what the Distributed table itself shows.
        if let Ok(Some(found)) = question.param("cluster", cluster).fetch_optional::<Table>().await {
            return Some(found);
        }
    }
    None
}

fn recognise(
    tables: &[Table],
    behind: Option<&Table>,
    columns: &[Column],
    database: &str,
) -> Result<Schema, SchemaError> {
    let find = |name: &str| tables.iter().find(|table| table.name == name);
    let (Some(logs), Some(_)) = (find("otel_logs"), find("otel_traces")) else {
        let tables = ["otel_logs", "otel_traces"].into_iter().filter(|name| find(name).is_none()).collect();
        return Err(SchemaError::Missing { database: database.to_owned(), tables });
    };
    Ok(Schema {
        logs: logs_table(logs, behind, columns)?,
        traces: TracesTable {
            attributes: attributes(columns, "otel_traces"),
            materialized: materialized(columns, "otel_traces"),
        },
        trace_id_ts: find("otel_traces_trace_id_ts").is_some(),
        logs_rollup: find("otel_logs_kv_rollup_15m").is_some(),
        functions_rollup: find("lambdaview_functions_5m").is_some(),
    })
}

fn logs_table(logs: &Table, behind: Option<&Table>, columns: &[Column]) -> Result<LogsTable, SchemaError> {
    let is_distributed = distributed(logs).is_some();
    let attributes = attributes(columns, "otel_logs");
    let laid_out = behind.unwrap_or(logs);
    Ok(LogsTable {
        layout: if is_distributed && behind.is_none() {
            layout_by_columns(columns, attributes)
        } else {
            logs_layout(laid_out, attributes)?
        },
        distributed: is_distributed,
        block_numbers: laid_out.engine_full.contains("enable_block_number_column = 1"),
        event_name: column(columns, "otel_logs", "EventName").is_some(),
        body_index: body_index(&laid_out.create_table_query),
        materialized: materialized(columns, "otel_logs"),
    })
}

/// What the columns alone tell: the answers are right by it, if not always the cheapest.
fn layout_by_columns(columns: &[Column], attributes: Attributes) -> Layout {
    match attributes {
        Attributes::Json => Layout::Json,
        Attributes::Items => Layout::Items,
        Attributes::Map if column(columns, "otel_logs", "TimestampTime").is_some() => Layout::TimestampTime,
        Attributes::Map => Layout::Compat,
    }
}

fn logs_layout(logs: &Table, attributes: Attributes) -> Result<Layout, SchemaError> {
    let sorted_by = |start: &str| logs.sorting_key.starts_with(start);
    let text_indexes = logs.create_table_query.contains("idx_res_attr_value mapValues(ResourceAttributes) TYPE text");
    match attributes {
        Attributes::Json => Ok(Layout::Json),
        Attributes::Items => Ok(Layout::Items),
        Attributes::Map if sorted_by("toStartOfFiveMinutes(Timestamp)") && text_indexes => Ok(Layout::MapValues),
        Attributes::Map if sorted_by("toStartOfFiveMinutes(Timestamp)") => Ok(Layout::Compat),
        Attributes::Map if sorted_by("ServiceName, TimestampTime") => Ok(Layout::TimestampTime),
        Attributes::Map if sorted_by("ServiceName, SeverityText") => Ok(Layout::SeverityFirst),
        Attributes::Map => Err(SchemaError::Unknown { table: "otel_logs", sorting_key: logs.sorting_key.clone() }),
    }
}

fn attributes(columns: &[Column], table: &str) -> Attributes {
    if column(columns, table, "ResourceAttributeItems").is_some() {
        return Attributes::Items;
    }
    match column(columns, table, "ResourceAttributes") {
        Some(attributes) if attributes.r#type.starts_with("JSON") => Attributes::Json,
        _ => Attributes::Map,
    }
}

fn body_index(create_table_query: &str) -> BodyIndex {
    // The server writes the statement back on one line: `INDEX name expression TYPE type(..) GRANULARITY n`.
    if create_table_query.contains("lower(Body) TYPE text") {
        BodyIndex::Text
    } else if create_table_query.contains("lower(Body) TYPE tokenbf_v1") {
        BodyIndex::LowerTokens
    } else if create_table_query.contains(" Body TYPE tokenbf_v1") {
        BodyIndex::Tokens
    } else {
        BodyIndex::Absent
    }
}

fn materialized(columns: &[Column], table: &str) -> Vec<Materialized> {
    columns
        .iter()
        .filter(|column| column.table == table && column.default_kind == "MATERIALIZED")
        .filter_map(|column| {
            let (source, key) = column.default_expression.split_once("['")?;
            let key = key.strip_suffix("']")?;
            let whole = !source.contains(['(', ' ']) && !key.contains('\'');
            whole.then(|| Materialized { source: source.to_owned(), key: key.to_owned(), column: column.name.clone() })
        })
        .collect()
}

fn column<'a>(columns: &'a [Column], table: &str, name: &str) -> Option<&'a Column> {
    columns.iter().find(|column| column.table == table && column.name == name)
}
