-- When functions were invoked in a window, by their SERVER spans, oldest first.
SELECT
    if(ResourceAttributes['faas.name'] != '', ResourceAttributes['faas.name'], CAST(ServiceName, 'String')) AS name,
    arraySort(groupArray(2000)(toUnixTimestamp64Nano(Timestamp))) AS times
FROM otel_traces
WHERE Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND true --= functions
  AND SpanKind = 'Server'
GROUP BY name
