-- The names that records carry since a time, and under which services: what globs choose from, and what a mistyped name is compared with.
SELECT
    if(ResourceAttributes['faas.name'] != '', ResourceAttributes['faas.name'], CAST(ServiceName, 'String')) AS name,
    CAST(ServiceName, 'String') AS service,
    CAST(ResourceAttributes['faas.name'] = '', 'Bool') AS by_service
FROM otel_logs
WHERE Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
GROUP BY name, service, by_service
ORDER BY count() DESC
LIMIT 10000
