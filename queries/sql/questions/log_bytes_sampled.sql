-- What a sample of the log records of a window would have come to in CloudWatch, as log_bytes.sql counts it, with Lambda's own lines apart:
-- {length:UInt64} rows from each of some starts on. Where a function's rows touch neither end of those, they are all that it has under
-- one beginning of the sorting key.
WITH
    NOT startsWith(LogAttributes['type'], 'platform.') AS is_event,
    length(Body) + if(startsWith(Body, '{'), 0, arraySum(
        (key, value) -> (length(key) + length(value) + 6) * (key NOT IN ('faas.invocation_id', 'log.iostream', 'type', 'lambdaview.parse_error')),
        mapKeys(CAST(LogAttributes, 'Map(String, String)')),
        mapValues(CAST(LogAttributes, 'Map(String, String)'))
    )) AS size
SELECT
    ResourceAttributes['faas.name'] AS name,
    toUInt64(arrayCount(start -> start <= _part_starting_offset + _part_offset, {starts:Array(UInt64)}) - 1) AS nth,
    toUInt64(min(_part_starting_offset + _part_offset)) AS first_row,
    toUInt64(max(_part_starting_offset + _part_offset)) AS last_row,
    count() AS records,
    countIf(is_event) AS events,
    sumIf(size, is_event) AS bytes,
    uniqExactIf(LogAttributes['faas.invocation_id'], LogAttributes['faas.invocation_id'] != '') AS invocations,
    min(toUnixTimestamp64Nano(Timestamp)) AS first
FROM otel_logs
WHERE _part_starting_offset + _part_offset IN (
    SELECT arrayJoin(range(start, start + {length:UInt64})) FROM (SELECT arrayJoin({starts:Array(UInt64)}) AS start))
  AND Timestamp >= fromUnixTimestamp64Nano({from:Int64})
GROUP BY name, nth
