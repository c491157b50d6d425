-- What each function's invocations came to in a window: an invocation is a SERVER span, and its parts and its report stand on spans
-- of the platform's names.
WITH
    SpanAttributes['faas.invocation_id'] AS id,
    SpanKind = 'Server' AS is_invocation,
    (SpanName = 'init' AND SpanAttributes['aws.lambda.init.phase'] != '') OR SpanName = 'restore' AS is_start
SELECT
    if(ResourceAttributes['faas.name'] != '', ResourceAttributes['faas.name'], CAST(ServiceName, 'String')) AS name,
    uniqExactIf(sipHash64(if(id != '', id, SpanId)), is_invocation) AS invocations,
    countIf(is_invocation AND StatusCode = 'Error') AS failed,
    quantilesIf(0.5, 0.95, 0.99)(toFloat64(Duration), is_invocation) AS durations,
    uniqExactIf(sipHash64(id), id != '' AND if(is_invocation, SpanAttributes['faas.coldstart'] = 'true', is_start)) AS cold,
    max(toUInt64OrZero(SpanAttributes['faas.mem_usage'])) AS memory_used,
    max(toUInt64OrZero(SpanAttributes['aws.lambda.memory_size'])) AS memory_size,
    countIfResample(0, 24, 1)(
        is_invocation,
        toUInt64(greatest(0, (toUnixTimestamp64Nano(Timestamp) - {from:Int64}) * 24 / ({now:Int64} - {from:Int64})))) AS activity,
    max(toUnixTimestamp64Nano(Timestamp)) AS last
FROM otel_traces
WHERE Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND true --= functions --? some
  AND ResourceAttributes['faas.name'] != '' --? !some
  AND (SpanKind = 'Server' OR SpanName IN ('init', 'restore', 'extensionOverhead'))
GROUP BY name
HAVING invocations > 0
