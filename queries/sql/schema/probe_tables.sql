-- What ClickStack's tables in the current database look like. Needs no more than SELECT on them.
SELECT name, sorting_key, engine_full, create_table_query
FROM system.tables
WHERE database = currentDatabase()
  AND name IN ('otel_logs', 'otel_traces', 'otel_traces_trace_id_ts', 'otel_logs_kv_rollup_15m', 'otel_metrics_gauge', 'lambdaview_functions_5m')
ORDER BY name;
