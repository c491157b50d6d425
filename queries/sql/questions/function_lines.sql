-- What each function logged in a window, without Lambda's own START, END and REPORT: bytes as log_bytes.sql counts them.
SELECT
    if(ResourceAttributes['faas.name'] != '', ResourceAttributes['faas.name'], CAST(ServiceName, 'String')) AS name,
    countIf(NOT startsWith(LogAttributes['type'], 'platform.')) AS lines,
    countIf(SeverityNumber >= 17) AS error_lines,
    sumIf(length(Body), NOT startsWith(LogAttributes['type'], 'platform.')) AS body_bytes,
    sumIf(if(startsWith(Body, '{'), 0, arraySum(
        (key, value) -> (length(key) + length(value) + 6) * (key NOT IN ('faas.invocation_id', 'log.iostream', 'type', 'lambdaview.parse_error')),
        mapKeys(CAST(LogAttributes, 'Map(String, String)')),
        mapValues(CAST(LogAttributes, 'Map(String, String)'))
    )), NOT startsWith(LogAttributes['type'], 'platform.')) AS field_bytes,
    uniqExactIf(sipHash64(LogAttributes['faas.invocation_id']), LogAttributes['faas.invocation_id'] != '') AS invocations,
    max(toUnixTimestamp64Nano(Timestamp)) AS last
FROM otel_logs
WHERE true --= functions --? some
WHERE ResourceAttributes['faas.name'] != '' --? !some
  AND Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
  AND toStartOfFiveMinutes(Timestamp) <= toStartOfFiveMinutes(fromUnixTimestamp64Nano({until:Int64}))
GROUP BY name
