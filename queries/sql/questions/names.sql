-- The names of functions that wrote lately: what a mistyped one is compared with.
SELECT if(ResourceAttributes['faas.name'] != '', ResourceAttributes['faas.name'], CAST(ServiceName, 'String')) AS name
FROM otel_logs
WHERE Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
GROUP BY name
ORDER BY count() DESC
LIMIT 1000
