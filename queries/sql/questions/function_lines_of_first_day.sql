-- How many records each function wrote on the first day of a window, of which it holds a part.
SELECT
    if(ResourceAttributes['faas.name'] != '', ResourceAttributes['faas.name'], CAST(ServiceName, 'String')) AS name,
    count() AS records
FROM otel_logs
WHERE true --= functions --? some
WHERE ResourceAttributes['faas.name'] != '' --? !some
  AND Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND toDate(Timestamp) = toDate(fromUnixTimestamp64Nano({from:Int64}))
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
  AND toStartOfFiveMinutes(Timestamp) < toDateTime(toDate(fromUnixTimestamp64Nano({from:Int64})) + 1)
GROUP BY name
