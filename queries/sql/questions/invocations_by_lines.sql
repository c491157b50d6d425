-- The newest invocations of functions in a window by nothing but the request ids on their lines: what is left where nobody sends
-- spans or reports.
SELECT
    LogAttributes['faas.invocation_id'] AS request_id,
    any(if(ResourceAttributes['faas.name'] != '', ResourceAttributes['faas.name'], CAST(ServiceName, 'String'))) AS function,
    min(toUnixTimestamp64Nano(Timestamp)) AS start,
    any(TraceId) AS trace_id,
    any(ResourceAttributes['faas.instance']) AS instance,
    any(ResourceAttributes['faas.version']) AS version
FROM otel_logs
WHERE Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
  AND toStartOfFiveMinutes(Timestamp) <= toStartOfFiveMinutes(fromUnixTimestamp64Nano({until:Int64}))
  AND true --= functions
  AND has(LogAttributeItems, concat('faas.invocation_id=', {invocation:String})) --? invocation
  AND LogAttributes['faas.invocation_id'] != ''
GROUP BY request_id
ORDER BY start DESC
LIMIT {limit:UInt64}
