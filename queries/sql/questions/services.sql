-- Under which services a function wrote in a window; two are enough to know that there are several.
SELECT DISTINCT CAST(ServiceName, 'String') AS service
FROM otel_logs
WHERE has(ResourceAttributeItems, concat('faas.name=', {function:String}))
  AND Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
  AND toStartOfFiveMinutes(Timestamp) <= toStartOfFiveMinutes(fromUnixTimestamp64Nano({until:Int64}))
LIMIT 2
