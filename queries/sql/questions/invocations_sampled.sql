-- How many spans of a sample are invocations, which are SERVER spans: {length:UInt64} rows from each of some starts on.
SELECT
    ResourceAttributes['faas.name'] AS name,
    toUInt64(arrayCount(start -> start <= _part_starting_offset + _part_offset, {starts:Array(UInt64)}) - 1) AS nth,
    toUInt64(min(_part_starting_offset + _part_offset)) AS first_row,
    toUInt64(max(_part_starting_offset + _part_offset)) AS last_row,
    count() AS spans,
    countIf(SpanKind = 'Server') AS invocations
FROM otel_traces
WHERE _part_starting_offset + _part_offset IN (
    SELECT arrayJoin(range(start, start + {length:UInt64})) FROM (SELECT arrayJoin({starts:Array(UInt64)}) AS start))
  AND Timestamp >= fromUnixTimestamp64Nano({from:Int64})
GROUP BY name, nth
