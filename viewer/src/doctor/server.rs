//! The server, the user's rights, the clocks, and the tables.

use lambdaview_queries::{
    questions::health::{Server, Table},
    schema::{BodyIndex, Layout, Schema},
};

use super::Check;
use crate::{
    ask::Nanos,
    format::{bytes, count, duration},
};

/// What was found out about the connection.
#[derive(Clone, Debug)]
pub struct Connection<'a> {
    /// The server's version.
    pub version: &'a str,
    /// Its address.
    pub url: &'a str,
    /// Who we are to it, as far as it says.
    pub server: Option<&'a Server>,
    /// What the user may change.
    pub readonly: u8,
    /// The settings that the user may not send.
    pub dropped: &'a [&'static str],
    /// How the tables are laid out.
    pub schema: &'a Schema,
    /// How large they are.
    pub tables: &'a [Table],
    /// This machine's clock when the server told its own.
    pub now: Nanos,
}

/// More than this, and times on this machine's screens mislead.
const SKEW: u64 = 2_000_000_000;

/// Looks at all of it.
#[must_use]
pub fn server(connection: &Connection<'_>) -> Vec<Check> {
    let mut checks = vec![reached(connection), rights(connection.readonly, connection.dropped)];
    checks.extend(connection.server.map(|server| clocks(server, connection.now)));
    checks.push(lines(connection));
    checks.push(follow(connection.schema));
    checks.push(functions(connection.schema));
    checks.push(search(connection.schema.logs.body_index));
    checks.extend(connection.tables.iter().filter(|table| is_main(table)).map(kept));
    checks.push(traces(connection.schema));
    checks
}

fn reached(connection: &Connection<'_>) -> Check {
    let user = connection.server.map_or("?", |server| &*server.user);
    Check::ok("server", format!("ClickHouse {} at {}, user {user}", connection.version, connection.url))
}

fn rights(readonly: u8, dropped: &[&str]) -> Check {
    let may = match readonly {
        1 => "readonly = 1: reads only, and may send no setting",
        2 => "readonly = 2: reads only",
        _ => "the user may write, which lambdaview never does",
    };
    if dropped.is_empty() {
        return Check::ok(
            "rights",
            format!("{may}; each question goes out as read-only, with our limits, and Ctrl-C ends it on the server"),
        );
    }
    Check::warn(
        "rights",
        format!(
            "{may}; {} are not sent: the server keeps to its own limits, and may work on after Ctrl-C",
            dropped.join(", ")
        ),
        "readonly = 2 in the user's profile, or cancel_http_readonly_queries_on_client_close = 1 there",
    )
}

fn clocks(server: &Server, now: Nanos) -> Check {
    let skew = server.now.saturating_sub(now);
    let apart = duration(skew.unsigned_abs());
    if skew.unsigned_abs() <= SKEW {
        return Check::ok(
            "clocks",
            format!("the server's and this machine's are {apart} apart; the server's zone is {}", &*server.timezone),
        );
    }
    let side = if skew > 0 { "behind" } else { "ahead of" };
    Check::warn(
        "clocks",
        format!("this machine's is {apart} {side} the server's, which is the one that --since counts from"),
        "NTP on both",
    )
}

fn lines(connection: &Connection<'_>) -> Check {
    let logs = &connection.schema.logs;
    let since = match logs.layout {
        Layout::SeverityFirst => "that of the collector's exporter until mid 2024",
        Layout::TimestampTime => "that of ClickStack up to 2.24",
        Layout::MapValues => "that of ClickStack 2.25 to 2.27",
        Layout::Compat => "ClickStack's for a ClickHouse before 26.2",
        Layout::Items => "today's, of ClickStack 2.28 and later",
        Layout::Json => "the exporter's with JSON columns",
    };
    let spread = if logs.distributed { "; it is spread over several servers" } else { "" };
    Check::ok("layout", format!("otel_logs is laid out as {} ({since}){spread}", logs.layout))
}

fn follow(schema: &Schema) -> Check {
    if schema.logs.block_numbers {
        return Check::ok(
            "tail",
            "exact: rows have block numbers, so that each is printed once, however late it comes",
        );
    }
    Check::warn(
        "tail",
        "by overlap: rows have no block numbers, so that a stretch is read again each time, and a row more than an hour late is missed",
        "a table as ClickStack 2.25 and later makes it (enable_block_number_column = 1)",
    )
}

fn functions(schema: &Schema) -> Check {
    let has_column = schema.logs.materialized.iter().any(|column| column.key == "faas.name");
    let how = match schema.logs.layout {
        _ if has_column => "by a column of its own",
        Layout::Items => "by the index on resource attributes",
        Layout::Json => "by a JSON path, which no index serves",
        _ => "by the map of resource attributes, helped by bloom filters",
    };
    let cheaper = if has_column { "" } else { "; `lambdaview schema plan` shows what would be cheaper" };
    Check::ok("functions", format!("faas.name is found {how}{cheaper}"))
}

fn search(index: BodyIndex) -> Check {
    match index {
        BodyIndex::Text => Check::ok("search", "words in lines are found by a text index"),
        BodyIndex::LowerTokens | BodyIndex::Tokens => {
            Check::ok("search", "words in lines are found by token bloom filters")
        }
        BodyIndex::Absent => Check::warn(
            "search",
            "no index on Body: a search reads every line of its stretch of time",
            "a shorter --since; ClickStack's own schema has idx_lower_body",
        ),
    }
}

fn is_main(table: &Table) -> bool {
    matches!(&*table.name, "otel_logs" | "otel_traces")
}

fn kept(table: &Table) -> Check {
    let size = format!("{} rows, {}", count(table.rows), bytes(table.bytes));
    match table.ttl() {
        Some(ttl) => Check::ok(&table.name, format!("{size}; kept until {ttl}")),
        None => Check::warn(
            &table.name,
            format!("{size}; kept for ever"),
            "a TTL, as ClickStack sets it with HYPERDX_OTEL_EXPORTER_TABLES_TTL",
        ),
    }
}

fn traces(schema: &Schema) -> Check {
    let how = if schema.trace_id_ts {
        "by otel_traces_trace_id_ts, which knows their times"
    } else {
        "by the index on TraceId"
    };
    let rollup = if schema.logs_rollup { "there, and used where it helps" } else { "not there" };
    let ours = if schema.functions_rollup { "there" } else { "not there" };
    Check::ok(
        "traces",
        format!("ids are found {how}; otel_logs_kv_rollup_15m is {rollup}; lambdaview_functions_5m is {ours}"),
    )
}

#[cfg(test)]
mod tests {
    use lambdaview_queries::schema::{Attributes, LogsTable, TracesTable};

    use super::super::State;
    use super::*;

    fn schema(layout: Layout, block_numbers: bool, body_index: BodyIndex) -> Schema {
        Schema {
            logs: LogsTable {
                layout,
                block_numbers,
                event_name: true,
                body_index,
                materialized: Vec::new(),
                distributed: false,
            },
            traces: TracesTable { attributes: Attributes::Items, materialized: Vec::new() },
            trace_id_ts: false,
            logs_rollup: false,
            functions_rollup: false,
        }
    }

    fn states(readonly: u8, schema: &Schema, server: &Server, engine: &str) -> Vec<(String, State)> {
        let table = Table { name: "otel_logs".into(), engine: engine.into(), rows: 1, bytes: 1 };
        let tables = [table];
        let connection = Connection {
            version: "26.7",
            url: "http://x",
            server: Some(server),
            readonly,
            dropped: if readonly == 1 { &["readonly"] } else { &[] },
            schema,
            tables: &tables,
            now: 0,
        };
        super::server(&connection).into_iter().map(|check| (check.name, check.state)).collect()
    }

    #[test]
    fn todays_layout_is_ok_and_every_weakness_is_a_warning() {
        let near = Server { user: "u".into(), timezone: "UTC".into(), now: 5 };
        let ttl =
            "MergeTree ORDER BY x TTL toDateTime(Timestamp) + toIntervalDay(30) SETTINGS index_granularity = 8192";
        let today = states(2, &schema(Layout::Items, true, BodyIndex::Text), &near, ttl);
        assert!(today.iter().all(|(_, state)| *state == State::Ok), "{today:?}");
        let far = Server { now: 10_000_000_000, ..near };
        let weak = states(1, &schema(Layout::SeverityFirst, false, BodyIndex::Absent), &far, "MergeTree ORDER BY x");
        let warned: Vec<&str> =
            weak.iter().filter(|(_, state)| *state == State::Warn).map(|(name, _)| name.as_str()).collect();
        assert_eq!(warned, ["rights", "clocks", "tail", "search", "otel_logs"]);
    }

    #[test]
    fn a_ttl_is_read_from_the_engines_definition() {
        let table = Table { name: "x".into(), engine: "MergeTree TTL a + b SETTINGS c = 1".into(), rows: 0, bytes: 0 };
        assert_eq!(table.ttl(), Some("a + b"));
    }
}
