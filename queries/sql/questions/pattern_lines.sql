-- Lines as far as patterns need them: what they say, whose they are, and what they would be billed for. A JSON line whose message
-- became the body left its other fields in the attributes: they count with six bytes of punctuation each.
SELECT
    {function:String} AS function, --? one
    if(ResourceAttributes['faas.name'] != '', ResourceAttributes['faas.name'], CAST(ServiceName, 'String')) AS function, --? !one
    ResourceAttributes['faas.version'] AS version,
    toUInt8(SeverityNumber) AS severity_number,
    length(Body) + if(startsWith(Body, '{'), 0, arraySum(
        (key, value) -> (length(key) + length(value) + 6) * (key NOT IN ('faas.invocation_id', 'log.iostream', 'type', 'lambdaview.parse_error')),
        mapKeys(CAST(LogAttributes, 'Map(String, String)')),
        mapValues(CAST(LogAttributes, 'Map(String, String)'))
    )) AS bytes,
    Body AS body
FROM otel_logs
WHERE true --= functions
  AND true --= filter
  AND NOT startsWith(LogAttributes['type'], 'platform.')
  AND cityHash64(Timestamp, SpanId) % {sampled:UInt64} = 0 --? sampled
  AND Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
  AND toStartOfFiveMinutes(Timestamp) <= toStartOfFiveMinutes(fromUnixTimestamp64Nano({until:Int64}))
