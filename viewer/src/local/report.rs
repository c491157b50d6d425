//! What `lambdaview local` says: how far its start has come, and where everything listens.

use std::path::Path;

use serde::Serialize;

use super::{
    collector::Collector,
    engine::{Engine, Progress},
};

/// Where everything listens, as `-o json` and `local.json` have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Addresses {
    clickhouse_url: String,
    ui_url: String,
    #[serde(skip)]
    tcp: String,
    otlp_grpc: String,
    otlp_http: String,
    data: String,
    pid: u32,
}

impl Addresses {
    pub(super) fn of(engine: &Engine, collector: &Collector, data: &Path) -> Self {
        let clickhouse_url = engine.url();
        Self {
            ui_url: format!("{clickhouse_url}/clickstack/"),
            clickhouse_url,
            tcp: engine.tcp_port().map_or_else(String::new, |port| format!("127.0.0.1:{port}")),
            otlp_grpc: format!("http://{}", collector.grpc_addr()),
            otlp_http: format!("http://{}", collector.http_addr()),
            data: data.display().to_string(),
            pid: std::process::id(),
        }
    }

    pub(super) fn json_line(&self) -> String {
        let json = serde_json::to_string(self).expect("strings and a number");
        format!("{json}\n")
    }

    pub(super) fn text(&self) -> String {
        let Self { clickhouse_url, ui_url, tcp, otlp_grpc, otlp_http, data, .. } = self;
        format!(
            "ClickStack runs on this machine.\n\
             \n\
             \x20 web UI       {ui_url}\n\
             \x20 SQL          {clickhouse_url}/play\n\
             \x20 ClickHouse   {clickhouse_url} (HTTP), {tcp} (native)\n\
             \x20 OTLP         {otlp_http} (HTTP), {otlp_grpc} (gRPC)\n\
             \x20 data         {data}\n\
             \n\
             Send to it:    OTEL_EXPORTER_OTLP_ENDPOINT={otlp_http}\n\
             Look into it:  lambdaview functions\n\
             \x20              lambdaview tail FUNCTION\n\
             Ctrl-C stops it; the data stays.\n"
        )
    }
}

/// Which steps are worth a line: each new one, and each tenth of a long one.
#[derive(Debug, Default)]
pub(super) struct Steps {
    last: Option<(std::mem::Discriminant<Progress>, u64)>,
}

impl Steps {
    pub(super) fn line(&mut self, step: &Progress) -> Option<String> {
        let tenth = match step {
            Progress::Downloading { bytes, total } | Progress::Unpacking { bytes, total } => bytes * 10 / total,
            Progress::Waiting | Progress::Starting => 0,
        };
        let now = Some((std::mem::discriminant(step), tenth));
        if now == self.last {
            return None;
        }
        self.last = now;
        Some(step.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses() -> Addresses {
        Addresses {
            clickhouse_url: "http://127.0.0.1:8123".to_owned(),
            ui_url: "http://127.0.0.1:8123/clickstack/".to_owned(),
            tcp: "127.0.0.1:9000".to_owned(),
            otlp_grpc: "http://127.0.0.1:4317".to_owned(),
            otlp_http: "http://127.0.0.1:4318".to_owned(),
            data: "/data".to_owned(),
            pid: 7,
        }
    }

    #[test]
    fn the_json_line_has_what_other_programs_look_for() {
        let json: serde_json::Value = serde_json::from_str(&addresses().json_line()).unwrap();
        let expected = serde_json::json!({
            "clickhouse_url": "http://127.0.0.1:8123",
            "ui_url": "http://127.0.0.1:8123/clickstack/",
            "otlp_grpc": "http://127.0.0.1:4317",
            "otlp_http": "http://127.0.0.1:4318",
            "data": "/data",
            "pid": 7,
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn the_text_says_where_everything_listens_and_how_to_go_on() {
        insta::assert_snapshot!(addresses().text(), @r"
        ClickStack runs on this machine.

          web UI       http://127.0.0.1:8123/clickstack/
          SQL          http://127.0.0.1:8123/play
          ClickHouse   http://127.0.0.1:8123 (HTTP), 127.0.0.1:9000 (native)
          OTLP         http://127.0.0.1:4318 (HTTP), http://127.0.0.1:4317 (gRPC)
          data         /data

        Send to it:    OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318
        Look into it:  lambdaview functions
                       lambdaview tail FUNCTION
        Ctrl-C stops it; the data stays.
        ");
    }

    #[test]
    fn a_long_step_is_told_by_tenths() {
        let mut steps = Steps::default();
        let told = (0..=100)
            .filter_map(|bytes| steps.line(&Progress::Downloading { bytes: bytes * 1_000_000, total: 100_000_000 }));
        assert_eq!(told.count(), 11);
        assert_eq!(steps.line(&Progress::Starting).as_deref(), Some("starting ClickHouse"));
        assert_eq!(steps.line(&Progress::Starting), None);
    }
}
