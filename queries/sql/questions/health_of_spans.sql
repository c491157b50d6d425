-- How many invocations functions' spans tell of, and what an extension costs each after its response.
SELECT
    countIf(SpanKind = 'Server') AS invocations,
    countIf(SpanName = 'extensionOverhead') AS overheads,
    sumIf(Duration, SpanName = 'extensionOverhead') AS overhead
FROM otel_traces
WHERE true --= functions
  AND Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
