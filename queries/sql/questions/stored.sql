-- What the log table holds, indexes included: every reader of a table may ask this of it.
SELECT
    ifNull(total_rows, 0) AS rows,
    ifNull(total_bytes, 0) AS bytes,
    ifNull(total_bytes_uncompressed, 0) AS uncompressed_bytes
FROM system.tables
WHERE database = currentDatabase() AND name = 'otel_logs'
