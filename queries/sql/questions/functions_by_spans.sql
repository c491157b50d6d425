-- What each function's invocations came to in a window: an invocation is a SERVER span.
SELECT
    ResourceAttributes['faas.name'] AS name,
    uniqExactIf(SpanAttributes['faas.invocation_id'], SpanAttributes['faas.invocation_id'] != '')
        + countIf(SpanAttributes['faas.invocation_id'] = '') AS invocations,
    countIf(StatusCode = 'Error') AS failed,
    quantile(0.5)(Duration) AS p50,
    quantile(0.95)(Duration) AS p95,
    max(toUnixTimestamp64Nano(Timestamp)) AS last
FROM otel_traces
WHERE Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND SpanKind = 'Server'
  AND name != ''
GROUP BY name
