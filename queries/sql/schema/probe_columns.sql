-- The columns of ClickStack's tables in the current database, with the expressions of the computed ones.
SELECT table, name, type, default_kind, default_expression
FROM system.columns
WHERE database = currentDatabase()
  AND table IN ('otel_logs', 'otel_traces', 'otel_metrics_gauge')
ORDER BY table, position;
