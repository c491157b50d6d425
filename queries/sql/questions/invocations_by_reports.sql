-- The newest invocations of functions in a window by the platform's reports among the log records: as AWS's JSON, or as REPORT words
-- it. Where the collector took the JSON apart and no body is left, the attributes say the same.
WITH if(Body = '', toJSONString(LogAttributes), Body) AS said
SELECT
    multiIf(
        LogAttributes['faas.invocation_id'] != '', LogAttributes['faas.invocation_id'],
        LogAttributes['requestId'] != '', LogAttributes['requestId'],
        extract(said, '(?:[".]requestId":"|RequestId: )([0-9A-Za-z-]+)')) AS request_id,
    if(ResourceAttributes['faas.name'] != '', ResourceAttributes['faas.name'], CAST(ServiceName, 'String')) AS function,
    toUnixTimestamp64Nano(Timestamp) AS reported,
    TraceId AS trace_id,
    toFloat64OrZero(extract(said, '(?:[".]durationMs":"?|\\tDuration: )([0-9.]+)')) AS duration_ms,
    toFloat64OrZero(extract(said, '(?:[".]billedDurationMs":"?|\\tBilled Duration: )([0-9.]+)')) AS billed_ms,
    toFloat64OrZero(extract(said, '(?:[".]maxMemoryUsedMB":"?|\\tMax Memory Used: )([0-9.]+)')) AS memory_used_mb,
    toFloat64OrZero(extract(said, '(?:[".]memorySizeMB":"?|\\tMemory Size: )([0-9.]+)')) AS memory_size_mb,
    toFloat64OrZero(extract(said, '(?:[".]initDurationMs":"?|\\tInit Duration: )([0-9.]+)')) AS init_ms,
    toFloat64OrZero(extract(said, '(?:[".]restoreDurationMs":"?|\\tRestore Duration: )([0-9.]+)')) AS restore_ms,
    extract(said, '(?:[".]status":"|\\tStatus: )([a-z]+)') AS status,
    extract(said, '(?:[".]errorType":"|\\tError Type: )([^"\\t\\n]+)') AS error_type,
    ResourceAttributes['faas.instance'] AS instance,
    ResourceAttributes['faas.version'] AS version
FROM otel_logs
WHERE has(LogAttributeItems, 'type=platform.report')
  AND true --= functions
  AND Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
  AND toStartOfFiveMinutes(Timestamp) <= toStartOfFiveMinutes(fromUnixTimestamp64Nano({until:Int64}))
  AND request_id = {invocation:String} --? invocation
  AND status NOT IN ('', 'success') --? failed
  AND (status = 'timeout' OR error_type = 'Sandbox.Timedout') --? timeout
  AND (error_type = 'Runtime.OutOfMemory' OR (error_type = 'Runtime.ExitError' AND memory_used_mb >= memory_size_mb)) --? oom
  AND (init_ms > 0 OR restore_ms > 0) --? cold
  AND duration_ms >= {slow:UInt64} / 1e6 --? slow
  AND memory_size_mb > 0 AND memory_used_mb > 0.9 * memory_size_mb --? near
ORDER BY toStartOfFiveMinutes(Timestamp) DESC, Timestamp DESC
LIMIT {limit:UInt64}
