-- The newest invocations of functions in a window. An invocation is a SERVER span; what its start and its report told stands on
-- spans of the platform's names, up to a quarter of an hour before and after. Two spans of one request, the SDK's and ours, are one.
WITH
    SpanAttributes['faas.invocation_id'] AS id,
    SpanAttributes['error.type'] AS kind,
    SpanKind = 'Server' AS is_invocation,
    SpanName = 'init' AND SpanAttributes['aws.lambda.init.phase'] != '' AS is_init
SELECT
    if(id != '', id, SpanId) AS request_id,
    any(if(ResourceAttributes['faas.name'] != '', ResourceAttributes['faas.name'], CAST(ServiceName, 'String'))) AS function,
    minIf(toUnixTimestamp64Nano(Timestamp), is_invocation) AS start,
    maxIf(toUInt64(Duration), is_invocation) AS duration,
    anyIf(TraceId, is_invocation) AS trace_id,
    toUInt8(countIf(is_invocation AND StatusCode = 'Error') > 0) AS failed,
    anyIf(if(kind != '', kind, StatusMessage), is_invocation AND StatusCode = 'Error') AS error_type,
    toUInt8(countIf(if(is_invocation, SpanAttributes['faas.coldstart'] = 'true', is_init OR SpanName = 'restore')) > 0) AS cold,
    sumIf(toUInt64(Duration), is_init) AS init,
    sumIf(toUInt64(Duration), NOT is_invocation AND SpanName = 'restore') AS restore,
    max(toFloat64OrZero(SpanAttributes['aws.lambda.billed_duration'])) AS billed_seconds,
    max(toUInt64OrZero(SpanAttributes['faas.mem_usage'])) AS memory_used,
    max(toUInt64OrZero(SpanAttributes['aws.lambda.memory_size'])) AS memory_size,
    max(toFloat64OrZero(SpanAttributes['aws.lambda.timeout'])) AS timeout_seconds,
    any(ResourceAttributes['faas.instance']) AS instance,
    any(ResourceAttributes['faas.version']) AS version
FROM otel_traces
WHERE Timestamp >= fromUnixTimestamp64Nano({from:Int64}) - toIntervalMinute(15)
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64}) + toIntervalMinute(15)
  AND true --= functions
  AND has(SpanAttributeItems, concat('faas.invocation_id=', {invocation:String})) --? invocation
  AND (SpanKind = 'Server' OR SpanName IN ('init', 'restore', 'extensionOverhead'))
GROUP BY request_id
HAVING countIf(is_invocation) > 0
  AND start >= {from:Int64}
  AND start < {until:Int64}
  AND failed --? failed
  AND error_type IN ('Sandbox.Timedout', 'timeout') --? timeout
  AND error_type = 'Runtime.OutOfMemory' --? oom
  AND cold --? cold
  AND duration >= {slow:UInt64} --? slow
  AND ((memory_size > 0 AND memory_used > 0.9 * memory_size) OR (timeout_seconds > 0 AND duration > 0.8e9 * timeout_seconds)) --? near
ORDER BY start DESC
LIMIT {limit:UInt64}
