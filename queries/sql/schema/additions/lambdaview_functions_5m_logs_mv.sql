-- Counts the log records of each insert from {start:Int64} on; those of before are counted once, when this is applied. `Events` and the
-- bytes leave out Lambda's own lines, as CloudWatch's bill for the same function would have them apart.
CREATE MATERIALIZED VIEW IF NOT EXISTS lambdaview_functions_5m_logs_mv TO lambdaview_functions_5m AS
SELECT
    ResourceAttributes['faas.name'] AS Function,
    ServiceName AS Service,
    toStartOfFiveMinutes(Timestamp) AS Time,
    count() AS Lines,
    countIf(SeverityNumber >= 17) AS ErrorLines,
    countIf(NOT startsWith(LogAttributes['type'], 'platform.')) AS Events,
    sumIf(length(Body), NOT startsWith(LogAttributes['type'], 'platform.')) AS BodyBytes,
    sumIf(arraySum(
        (key, value) -> (length(key) + length(value) + 6) * (key NOT IN ('faas.invocation_id', 'log.iostream', 'type', 'lambdaview.parse_error')),
        mapKeys(CAST(LogAttributes, 'Map(String, String)')),
        mapValues(CAST(LogAttributes, 'Map(String, String)'))
    ), NOT startsWith(Body, '{') AND NOT startsWith(LogAttributes['type'], 'platform.')) AS FieldBytes,
    max(Timestamp) AS Last
FROM otel_logs
WHERE Timestamp >= fromUnixTimestamp64Nano({start:Int64})
  AND Function != ''
GROUP BY Function, Service, Time;
