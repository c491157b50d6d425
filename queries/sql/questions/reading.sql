-- What reading every record for a bill comes to at least: the rows of each table, and the bytes of those columns that are read whole.
SELECT
    name = 'otel_logs' AS of_logs,
    ifNull(total_rows, 0) AS rows,
    ifNull(bytes, 0) AS bytes
FROM system.tables
LEFT JOIN (
    SELECT table, sum(data_uncompressed_bytes) AS bytes
    FROM system.columns
    WHERE database = currentDatabase() AND (
        (table = 'otel_logs' AND name IN ('Timestamp', 'LogAttributes', 'Body'))
        OR (table = 'otel_traces' AND name IN ('Timestamp', 'SpanKind')))
    GROUP BY table
) AS columns ON columns.table = tables.name
WHERE database = currentDatabase() AND name IN ('otel_logs', 'otel_traces')
