-- The same by the platform's reports among the log records: see invocations_by_reports.sql for their forms.
WITH
    if(Body = '', toJSONString(LogAttributes), Body) AS said,
    toFloat64OrZero(extract(said, '(?:[".]initDurationMs":"?|\\tInit Duration: )([0-9.]+)')) AS init,
    toFloat64OrZero(extract(said, '(?:[".]restoreDurationMs":"?|\\tRestore Duration: )([0-9.]+)')) AS restore
SELECT
    if(ResourceAttributes['faas.name'] != '', ResourceAttributes['faas.name'], CAST(ServiceName, 'String')) AS function,
    ResourceAttributes['faas.version'] AS version,
    extract(said, '(?:[".]memorySizeMB":"?|\\tMemory Size: )([0-9.]+)') AS max_memory,
    ResourceAttributes['host.arch'] AS arch,
    count() AS invocations,
    countIf(init > 0 OR restore > 0) AS cold,
    countIf(init > 0) AS inits,
    toUInt64(0) AS unseen,
    sum(init) AS init_ms,
    quantilesIf(0.5, 0.95, 0.99)(init, init > 0) AS init_quantiles,
    countIf(restore > 0) AS restores,
    quantilesIf(0.5, 0.95, 0.99)(restore, restore > 0) AS restore_quantiles
FROM otel_logs
WHERE has(LogAttributeItems, 'type=platform.report')
  AND true --= functions --? some
  AND ResourceAttributes['faas.name'] != '' --? !some
  AND Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
  AND toStartOfFiveMinutes(Timestamp) <= toStartOfFiveMinutes(fromUnixTimestamp64Nano({until:Int64}))
GROUP BY function, version, max_memory, arch
