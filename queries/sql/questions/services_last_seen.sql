-- When each service wrote its last record, to the sorting key's precision, as far back as a time: no more than that key's columns are read.
SELECT
    CAST(ServiceName, 'String') AS service,
    toInt64(max(toStartOfFiveMinutes(Timestamp))) * 1000000000 AS last
FROM otel_logs
WHERE Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
GROUP BY ServiceName
LIMIT 10000
