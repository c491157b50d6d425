-- How many lines some invocations logged, Lambda's own START, END and REPORT aside, and how many of them of errors.
SELECT
    LogAttributes['faas.invocation_id'] AS request_id,
    count() AS lines,
    countIf(SeverityNumber >= 17) AS errors
FROM otel_logs
WHERE hasAny(LogAttributeItems, arrayMap(id -> concat('faas.invocation_id=', id), {invocations:Array(String)}))
  AND Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
  AND toStartOfFiveMinutes(Timestamp) <= toStartOfFiveMinutes(fromUnixTimestamp64Nano({until:Int64}))
  AND NOT startsWith(LogAttributes['type'], 'platform.')
GROUP BY request_id
