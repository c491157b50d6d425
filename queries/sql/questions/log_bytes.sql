-- What each function would have written to CloudWatch in a window: the lines themselves, without Lambda's own START, END and REPORT.
-- A JSON line whose message became the body left its other fields in the attributes: they count with six bytes of punctuation each.
SELECT
    ResourceAttributes['faas.name'] AS name,
    count() AS events,
    sum(length(Body)) AS body_bytes,
    sum(if(startsWith(Body, '{'), 0, arraySum(
        (key, value) -> (length(key) + length(value) + 6) * (key NOT IN ('faas.invocation_id', 'log.iostream', 'type', 'lambdaview.parse_error')),
        mapKeys(CAST(LogAttributes, 'Map(String, String)')),
        mapValues(CAST(LogAttributes, 'Map(String, String)'))
    ))) AS field_bytes,
    uniqExactIf(LogAttributes['faas.invocation_id'], LogAttributes['faas.invocation_id'] != '') AS invocations,
    min(toUnixTimestamp64Nano(Timestamp)) AS first,
    max(toUnixTimestamp64Nano(Timestamp)) AS last
FROM otel_logs
WHERE Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
  AND name != ''
  AND NOT startsWith(LogAttributes['type'], 'platform.')
GROUP BY name
ORDER BY body_bytes DESC
