-- How the execution environments of functions started: their inits and restores, those too that no request waited for.
SELECT
    ResourceAttributes['faas.instance'] AS instance,
    toUnixTimestamp64Nano(Timestamp) AS start,
    toUInt64(Duration) AS duration,
    toUInt8(StatusCode = 'Error') AS failed
FROM otel_traces
WHERE Timestamp >= fromUnixTimestamp64Nano({from:Int64}) - toIntervalMinute(15)
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND true --= functions
  AND SpanName IN ('init', 'restore')
  AND (SpanName = 'restore' OR SpanAttributes['aws.lambda.init.phase'] != '')
  AND SpanKind != 'Server'
ORDER BY start DESC
LIMIT {limit:UInt64}
