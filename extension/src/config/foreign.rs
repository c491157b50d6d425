//! Names of the guide's ecosystem that mean nothing here, and why: told in one line when they are set.
//!
//! A name is matched without the signal in it, as most of them can be set for each: `ROTEL_LOGS_BATCH_MAX_SIZE` is
//! `ROTEL_BATCH_MAX_SIZE`.

/// What such names begin with, and why they are passed over.
const WITHOUT_MEANING: &[(&str, &str)] = &[
    ("ROTEL_BATCH_", "batches are bounded in bytes and sent at the end of an invocation"),
    ("ROTEL_OTLP_EXPORTER_BATCH_", "batches are bounded in bytes and sent at the end of an invocation"),
    ("ROTEL_OTLP_EXPORTER_RETRY_", "signals are tried again until the buffer is full or the environment ends"),
    ("ROTEL_CLICKHOUSE_EXPORTER_RETRY_", "signals are tried again until the buffer is full or the environment ends"),
    ("ROTEL_OTLP_EXPORTER_TLS_", "TLS settings hold for all signals"),
    ("ROTEL_OTLP_RECEIVER_HTTP_PATH", "the paths are those of OTLP"),
    ("ROTEL_OTLP_GRPC_MAX_RECV_MSG_SIZE_MIB", "requests of up to 16 MiB are taken"),
    ("ROTEL_ENABLE_INTERNAL_TELEMETRY", "the ledger tells what became of every record"),
    ("ROTEL_LOG_FORMAT", "the extension writes lines of text"),
    ("ROTEL_DEBUG_LOG", "LAMBDAVIEW_LOG_LEVEL=debug tells of each export"),
    ("ROTEL_DAEMON", "Lambda starts and ends the extension"),
    ("ROTEL_PID_FILE", "Lambda starts and ends the extension"),
    ("ROTEL_LOG_FILE", "the extension's lines go to Lambda's own log"),
    ("ROTEL_EXPORTERS", "ROTEL_EXPORTER names where all signals go"),
    ("ROTEL_DATADOG_EXPORTER_", "there is no such exporter here"),
    ("ROTEL_XRAY_EXPORTER_", "there is no such exporter here"),
    ("ROTEL_AWSXRAY_EXPORTER_", "there is no such exporter here"),
    ("ROTEL_AWSEMF_EXPORTER_", "there is no such exporter here"),
    ("ROTEL_KAFKA_", "there is no such exporter or receiver here"),
    ("ROTEL_FILE_", "there is no such exporter or receiver here"),
    ("ROTEL_FLUENT_", "there is no such receiver here"),
    ("ROTEL_PROCESSORS_", "there are no processors here"),
    ("ROTEL_OTLP_WITH_", "there are no processors here"),
];

/// Why `name` means nothing here, when it is a name of the ecosystem's.
pub(super) fn why_without_meaning(name: &str) -> Option<&'static str> {
    let of_all_signals =
        ["LOGS_", "TRACES_", "METRICS_"].iter().fold(name.to_owned(), |name, signal| name.replacen(signal, "", 1));
    WITHOUT_MEANING.iter().find(|(beginning, _)| of_all_signals.starts_with(beginning)).map(|(_, why)| *why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_with_and_without_its_signal() {
        for name in ["ROTEL_BATCH_TIMEOUT", "ROTEL_TRACES_BATCH_MAX_SIZE", "ROTEL_OTLP_EXPORTER_LOGS_RETRY_MAX_BACKOFF"]
        {
            assert!(why_without_meaning(name).is_some(), "{name}");
        }
        assert_eq!(why_without_meaning("ROTEL_OLTP_EXPORTER_ENDPOINT"), None);
    }
}
