-- How large ClickStack's tables are, and after how long their rows are deleted: the engine's definition says it.
SELECT
    name,
    engine_full AS engine,
    ifNull(total_rows, 0) AS rows,
    ifNull(total_bytes, 0) AS bytes
FROM system.tables
WHERE database = currentDatabase()
  AND name IN ('otel_logs', 'otel_traces', 'otel_metrics_sum', 'otel_metrics_gauge', 'otel_metrics_histogram')
ORDER BY name
