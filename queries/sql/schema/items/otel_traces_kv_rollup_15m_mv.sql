-- Feeds otel_traces_kv_rollup_15m from the native columns of each inserted block.
CREATE MATERIALIZED VIEW IF NOT EXISTS otel_traces_kv_rollup_15m_mv TO otel_traces_kv_rollup_15m AS
SELECT
    Quarter AS Timestamp,
    'NativeColumn' AS ColumnIdentifier,
    Key,
    Value,
    count() AS count
FROM
(
    SELECT toStartOfFifteenMinutes(Timestamp) AS Quarter, 'ServiceName' AS Key, CAST(ServiceName AS String) AS Value FROM otel_traces
    UNION ALL
    SELECT toStartOfFifteenMinutes(Timestamp) AS Quarter, 'SpanName' AS Key, CAST(SpanName AS String) AS Value FROM otel_traces
    UNION ALL
    SELECT toStartOfFifteenMinutes(Timestamp) AS Quarter, 'SpanKind' AS Key, CAST(SpanKind AS String) AS Value FROM otel_traces
    UNION ALL
    SELECT toStartOfFifteenMinutes(Timestamp) AS Quarter, 'StatusCode' AS Key, CAST(StatusCode AS String) AS Value FROM otel_traces
    UNION ALL
    SELECT toStartOfFifteenMinutes(Timestamp) AS Quarter, 'ScopeName' AS Key, CAST(ScopeName AS String) AS Value FROM otel_traces
    UNION ALL
    SELECT toStartOfFifteenMinutes(Timestamp) AS Quarter, 'ScopeVersion' AS Key, CAST(ScopeVersion AS String) AS Value FROM otel_traces
)
GROUP BY Quarter, Key, Value;
