-- Counts the invocations of each insert from {start:Int64} on: an invocation is a SERVER span.
CREATE MATERIALIZED VIEW IF NOT EXISTS lambdaview_functions_5m_spans_mv TO lambdaview_functions_5m AS
SELECT
    ResourceAttributes['faas.name'] AS Function,
    ServiceName AS Service,
    toStartOfFiveMinutes(Timestamp) AS Time,
    count() AS Invocations,
    countIf(StatusCode = 'Error') AS Failed,
    countIf(SpanAttributes['faas.coldstart'] = 'true') AS ColdStarts,
    quantilesTDigestState(0.5, 0.95, 0.99)(toUInt64(Duration)) AS Durations,
    max(Timestamp) AS Last
FROM otel_traces
WHERE Timestamp >= fromUnixTimestamp64Nano({start:Int64})
  AND SpanKind = 'Server'
  AND Function != ''
GROUP BY Function, Service, Time;
