-- How often each value of a native column occurs in a quarter of an hour of logs: what the web UI completes from.
CREATE TABLE IF NOT EXISTS otel_logs_kv_rollup_15m
(
    Timestamp DateTime,
    ColumnIdentifier LowCardinality(String),
    Key LowCardinality(String),
    Value String,
    count UInt64,
    INDEX idx_count_minmax count TYPE minmax GRANULARITY 1,
    INDEX idx_timestamp_minmax Timestamp TYPE minmax GRANULARITY 1
)
ENGINE = SummingMergeTree
PARTITION BY toDate(Timestamp)
ORDER BY (ColumnIdentifier, Key, Timestamp, Value)
TTL Timestamp + toIntervalDay(30)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1;
