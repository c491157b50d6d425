-- Which functions the records of services name, each service's at a moment of its own.
SELECT DISTINCT
    ResourceAttributes['faas.name'] AS name,
    CAST(ServiceName, 'String') AS service
FROM otel_logs
WHERE (ServiceName, toStartOfFiveMinutes(Timestamp)) IN arrayZip(
    {services:Array(String)},
    arrayMap(moment -> toStartOfFiveMinutes(fromUnixTimestamp64Nano(moment)), {moments:Array(Int64)}))
  AND ResourceAttributes['faas.name'] != ''
