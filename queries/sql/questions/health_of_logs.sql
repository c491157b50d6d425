-- How well functions' lines arrive: ids that are missing, what the platform says it dropped, clocks that are ahead, who sent them.
SELECT
    count() AS lines,
    countIf(TraceId = '') AS without_trace,
    countIf(SpanId = '') AS without_span,
    countIf(LogAttributes['faas.invocation_id'] = '') AS without_invocation,
    countIf(LogAttributes['type'] = 'platform.logsDropped') AS drops,
    countIf(Timestamp > now64(9) + toIntervalSecond(2)) AS ahead,
    max(toUnixTimestamp64Nano(Timestamp)) AS last,
    argMax(ResourceAttributes['telemetry.distro.name'], Timestamp) AS distro,
    argMax(ResourceAttributes['telemetry.distro.version'], Timestamp) AS version
FROM otel_logs
WHERE true --= functions
  AND Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
  AND toStartOfFiveMinutes(Timestamp) <= toStartOfFiveMinutes(fromUnixTimestamp64Nano({until:Int64}))
