-- The newest invocations in a window that failed, and how: what timed out or ran out of memory may have logged no error.
SELECT
    SpanAttributes['faas.invocation_id'] AS request_id,
    if(ResourceAttributes['faas.name'] != '', ResourceAttributes['faas.name'], CAST(ServiceName, 'String')) AS function,
    ResourceAttributes['faas.version'] AS version,
    if(SpanAttributes['error.type'] != '', SpanAttributes['error.type'], StatusMessage) AS kind,
    toUnixTimestamp64Nano(Timestamp) AS start,
    TraceId AS trace_id
FROM otel_traces
WHERE Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND true --= functions --? some
  AND ResourceAttributes['faas.name'] != '' --? !some
  AND SpanKind = 'Server'
  AND StatusCode = 'Error'
ORDER BY Timestamp DESC
LIMIT {limit:UInt64}
