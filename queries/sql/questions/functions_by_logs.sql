-- What each function logged in a window. Only records that name a function count: other services write to these tables too.
SELECT
    ResourceAttributes['faas.name'] AS name,
    count() AS lines,
    countIf(SeverityNumber >= 17) AS error_lines,
    sum(length(Body)) AS bytes,
    uniqExactIf(LogAttributes['faas.invocation_id'], LogAttributes['faas.invocation_id'] != '') AS invocations,
    max(toUnixTimestamp64Nano(Timestamp)) AS last
FROM otel_logs
WHERE Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
  AND name != ''
GROUP BY name
