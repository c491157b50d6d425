-- Everything that the rows of one moment, trace and span hold: of them one is the line that is meant.
SELECT
    Timestamp,
    ScopeName AS scope,
    ScopeVersion AS scope_version,
    CAST(SeverityText, 'String') AS severity,
    CAST(ServiceName, 'String') AS service,
    CAST(LogAttributes, 'Map(String, String)') AS attributes,
    CAST(ResourceAttributes, 'Map(String, String)') AS resource,
    Body AS body
FROM otel_logs
WHERE Timestamp = fromUnixTimestamp64Nano({time:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({time:Int64}))
  AND toStartOfFiveMinutes(Timestamp) <= toStartOfFiveMinutes(fromUnixTimestamp64Nano({time:Int64}))
  AND TraceId = {trace:String}
  AND SpanId = {span:String}
LIMIT 1000
