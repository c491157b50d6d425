-- The newest lines of functions in a window, newest first. The sorting key's first column leads the order, so that reading stops
-- with the last line wanted; lines of one moment keep the order in which they came, by block and place in it. Timestamp comes
-- first and Body last because a text index is otherwise not read directly (ClickHouse #115586).
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
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
  AND toStartOfFiveMinutes(Timestamp) <= toStartOfFiveMinutes(fromUnixTimestamp64Nano({until:Int64}))
ORDER BY toStartOfFiveMinutes(Timestamp) DESC, Timestamp DESC, block DESC, offset DESC
LIMIT {lines:UInt64}
