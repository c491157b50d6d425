-- What arrived since a watermark: the highest block read of each partition, less a margin. The first condition leaves out whole parts, and
-- a partition that is not among the marks is new: `Map` then says 0. A part is named partition_firstblock_lastblock_level.
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
WHERE toUInt64OrZero(splitByChar('_', _part)[3]) > {marks:Map(String, UInt64)}[_partition_id]
  AND _block_number > {marks:Map(String, UInt64)}[_partition_id]
  AND true --= functions
  AND true --= filter
  AND Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
ORDER BY Timestamp, block, offset
