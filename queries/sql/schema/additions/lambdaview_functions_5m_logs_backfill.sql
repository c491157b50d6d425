-- Counts the log records of a stretch of time from before the roll-up was there.
INSERT INTO lambdaview_functions_5m
    (Function, Service, Time, Lines, ErrorLines, Events, BodyBytes, FieldBytes, Last)
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
WHERE Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
  AND toStartOfFiveMinutes(Timestamp) <= toStartOfFiveMinutes(fromUnixTimestamp64Nano({until:Int64}))
  AND Function != ''
GROUP BY Function, Service, Time;
