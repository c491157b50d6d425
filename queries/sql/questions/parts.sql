-- Which blocks each part covers: enough to know what was there at this moment. Read from the parts' headers, not from their rows.
SELECT
    CAST(_partition_id, 'String') AS partition,
    toUInt64OrZero(splitByChar('_', CAST(_part, 'String'))[2]) AS first_block,
    toUInt64OrZero(splitByChar('_', CAST(_part, 'String'))[3]) AS last_block
FROM otel_logs
GROUP BY _partition_id, _part
