-- How often functions were invoked in a window, by their SERVER spans.
SELECT
    if(ResourceAttributes['faas.name'] != '', ResourceAttributes['faas.name'], CAST(ServiceName, 'String')) AS function,
    count() AS invocations,
    max(toUnixTimestamp64Nano(Timestamp)) AS last
FROM otel_traces
WHERE Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND true --= functions --? some
  AND ResourceAttributes['faas.name'] != '' --? !some
  AND SpanKind = 'Server'
GROUP BY function
