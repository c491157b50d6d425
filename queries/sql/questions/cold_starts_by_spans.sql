-- How functions started in a window, by version and size. An init is a span of the extension's, or of the OpenTelemetry layer's,
-- which names no request; what no request waited for, names none either.
WITH
    SpanAttributes['faas.invocation_id'] AS id,
    SpanKind = 'Server' AS is_invocation,
    (SpanName = 'init' AND SpanAttributes['aws.lambda.init.phase'] != '') OR SpanName IN ('platform.init', 'platform.initRuntimeDone') AS is_init,
    SpanName = 'restore' AND NOT is_invocation AS is_restore
SELECT
    if(ResourceAttributes['faas.name'] != '', ResourceAttributes['faas.name'], CAST(ServiceName, 'String')) AS function,
    ResourceAttributes['faas.version'] AS version,
    ResourceAttributes['faas.max_memory'] AS max_memory,
    ResourceAttributes['host.arch'] AS arch,
    uniqExactIf(sipHash64(if(id != '', id, SpanId)), is_invocation) AS invocations,
    uniqExactIf(sipHash64(id), id != '' AND (is_init OR is_restore OR (is_invocation AND SpanAttributes['faas.coldstart'] = 'true'))) AS cold,
    countIf(is_init) AS inits,
    countIf(is_init AND id = '') AS unseen,
    toFloat64(sumIf(Duration, is_init)) / 1e6 AS init_ms,
    quantilesIf(0.5, 0.95, 0.99)(Duration / 1e6, is_init) AS init_quantiles,
    countIf(is_restore) AS restores,
    quantilesIf(0.5, 0.95, 0.99)(Duration / 1e6, is_restore) AS restore_quantiles
FROM otel_traces
WHERE Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND true --= functions --? some
  AND ResourceAttributes['faas.name'] != '' --? !some
  AND (SpanKind = 'Server' OR SpanName IN ('init', 'restore', 'platform.init', 'platform.initRuntimeDone'))
GROUP BY function, version, max_memory, arch
