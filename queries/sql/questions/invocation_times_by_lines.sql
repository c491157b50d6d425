-- The same by the first line of each request, for functions that nobody spans.
SELECT name, arraySort(groupArray(2000)(start)) AS times
FROM
(
    SELECT
        if(ResourceAttributes['faas.name'] != '', ResourceAttributes['faas.name'], CAST(ServiceName, 'String')) AS name,
        LogAttributes['faas.invocation_id'] AS id,
        min(toUnixTimestamp64Nano(Timestamp)) AS start
    FROM otel_logs
    WHERE true --= functions
      AND Timestamp >= fromUnixTimestamp64Nano({from:Int64})
      AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
      AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
      AND toStartOfFiveMinutes(Timestamp) <= toStartOfFiveMinutes(fromUnixTimestamp64Nano({until:Int64}))
      AND id != ''
    GROUP BY name, id
)
GROUP BY name
