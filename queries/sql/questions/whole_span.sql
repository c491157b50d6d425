-- What a span's row holds beside what a trace is drawn from.
SELECT
    Timestamp,
    ScopeName AS scope,
    ScopeVersion AS scope_version,
    CAST(StatusCode, 'String') AS severity,
    CAST(ServiceName, 'String') AS service,
    CAST(SpanAttributes, 'Map(String, String)') AS attributes,
    CAST(ResourceAttributes, 'Map(String, String)') AS resource,
    StatusMessage AS body
FROM otel_traces
WHERE TraceId = {trace:String}
  AND SpanId = {span:String}
  AND Timestamp = fromUnixTimestamp64Nano({time:Int64})
LIMIT 1
