-- The same by the platform's reports among the log records, for functions that nobody spans: see invocations_by_reports.sql.
WITH
    if(Body = '', toJSONString(LogAttributes), Body) AS said,
    toFloat64OrZero(extract(said, '(?:[".]durationMs":"?|\\tDuration: )([0-9.]+)')) AS ran,
    extract(said, '(?:[".]status":"|\\tStatus: )([a-z]+)') AS status
SELECT
    if(ResourceAttributes['faas.name'] != '', ResourceAttributes['faas.name'], CAST(ServiceName, 'String')) AS name,
    count() AS invocations,
    countIf(status NOT IN ('', 'success')) AS failed,
    quantiles(0.5, 0.95, 0.99)(ran * 1e6) AS durations,
    countIf(match(said, '[".]initDurationMs":"?[0-9]|\\tInit Duration: [0-9]|[".]restoreDurationMs":"?[0-9]|\\tRestore Duration: [0-9]')) AS cold,
    toUInt64(max(toFloat64OrZero(extract(said, '(?:[".]maxMemoryUsedMB":"?|\\tMax Memory Used: )([0-9.]+)'))) * 1048576) AS memory_used,
    toUInt64(max(toFloat64OrZero(extract(said, '(?:[".]memorySizeMB":"?|\\tMemory Size: )([0-9.]+)'))) * 1048576) AS memory_size,
    countResample(0, 24, 1)(
        toUInt64(greatest(0, (toUnixTimestamp64Nano(Timestamp) - {from:Int64}) * 24 / ({now:Int64} - {from:Int64})))) AS activity,
    max(toUnixTimestamp64Nano(Timestamp)) AS last
FROM otel_logs
WHERE has(LogAttributeItems, 'type=platform.report')
  AND true --= functions --? some
  AND ResourceAttributes['faas.name'] != '' --? !some
  AND Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
  AND toStartOfFiveMinutes(Timestamp) <= toStartOfFiveMinutes(fromUnixTimestamp64Nano({until:Int64}))
GROUP BY name
