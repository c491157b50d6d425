-- The log lines of a trace.
SELECT
    Timestamp,
    toUInt8(SeverityNumber) AS severity_number,
    CAST(SeverityText, 'String') AS severity,
    CAST(ServiceName, 'String') AS service,
    TraceId AS trace_id,
    SpanId AS span_id,
    LogAttributes['faas.invocation_id'] AS invocation_id,
    if(ResourceAttributes['faas.name'] != '', ResourceAttributes['faas.name'], CAST(ServiceName, 'String')) AS function,
    CAST(LogAttributes, 'Map(String, String)') AS attributes,
    CAST(ResourceAttributes, 'Map(String, String)') AS resource,
    _partition_id AS partition,
    _block_number AS block,
    _block_offset AS offset,
    Body AS body
FROM otel_logs
WHERE TraceId = {trace:String}
ORDER BY Timestamp, block, offset
LIMIT {limit:UInt64}
