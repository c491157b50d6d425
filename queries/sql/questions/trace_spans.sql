-- The spans of a trace.
SELECT
    Timestamp,
    TraceId AS trace_id,
    SpanId AS span_id,
    ParentSpanId AS parent_span_id,
    CAST(SpanName, 'String') AS name,
    CAST(SpanKind, 'String') AS kind,
    CAST(ServiceName, 'String') AS service,
    ResourceAttributes['faas.name'] AS function,
    ResourceAttributes['faas.version'] AS version,
    ResourceAttributes['faas.instance'] AS instance,
    toUInt64(Duration) AS duration,
    CAST(StatusCode, 'String') AS status,
    StatusMessage AS status_message,
    CAST(SpanAttributes, 'Map(String, String)') AS attributes,
    `Events.Timestamp` AS event_times,
    CAST(`Events.Name`, 'Array(String)') AS event_names,
    CAST(`Events.Attributes`, 'Array(Map(String, String))') AS event_attributes,
    `Links.TraceId` AS link_trace_ids,
    `Links.SpanId` AS link_span_ids
FROM otel_traces
WHERE TraceId = {trace:String}
  AND Timestamp >= fromUnixTimestamp64Nano({from:Int64}) --? timed
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64}) --? timed
ORDER BY Timestamp
LIMIT {limit:UInt64}
