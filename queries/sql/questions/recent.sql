-- The lines of functions from a time on, for tables without block numbers: read again and again with an overlap, told apart by their content.
SELECT
    Timestamp,
    toUInt8(SeverityNumber) AS severity_number,
    CAST(SeverityText, 'String') AS severity,
    CAST(ServiceName, 'String') AS service,
    TraceId AS trace_id,
    SpanId AS span_id,
    LogAttributes['faas.invocation_id'] AS invocation_id,
    {function:String} AS function, --? one
    if(ResourceAttributes['faas.name'] != '', ResourceAttributes['faas.name'], CAST(ServiceName, 'String')) AS function, --? !one
    CAST(LogAttributes, 'Map(String, String)') AS attributes, --? attributes
    CAST(map(), 'Map(String, String)') AS attributes, --? !attributes
    CAST(ResourceAttributes, 'Map(String, String)') AS resource, --? resource
    CAST(map(), 'Map(String, String)') AS resource, --? !resource
    _partition_id AS partition,
    _block_number AS block,
    _block_offset AS offset,
    Body AS body
FROM otel_logs
WHERE true --= functions
  AND true --= filter
  AND Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
ORDER BY Timestamp
