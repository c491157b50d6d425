-- Counts the invocations of a stretch of time from before the roll-up was there.
INSERT INTO lambdaview_functions_5m
    (Function, Service, Time, Invocations, Failed, ColdStarts, Durations, Last)
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
WHERE Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND SpanKind = 'Server'
  AND Function != ''
GROUP BY Function, Service, Time;
