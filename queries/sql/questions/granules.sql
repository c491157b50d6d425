-- Where a sample of a table begins: some granules, evenly spread over those of the days since a time. Rows are numbered through all parts, as the
-- server numbers them in `_part_starting_offset + _part_offset`; only the index is read. A part is named partition_firstblock_lastblock_level.
WITH granules AS
(
    SELECT
        splitByChar('_', part_name) AS part,
        rows_in_granule AS rows,
        sum(rows) OVER (ORDER BY part[1], toUInt64OrZero(part[2]), toUInt64OrZero(part[3]), mark_number) - rows AS start
    FROM mergeTreeIndex(currentDatabase(), {table:String})
    WHERE rows > 0
),
numbered AS
(
    SELECT start, rows, row_number() OVER (ORDER BY start) AS nth, count() OVER () AS granules, sum(rows) OVER () AS all
    FROM granules
    WHERE NOT match(part[1], '^[0-9]{8}$') OR part[1] >= toString(toYYYYMMDD(fromUnixTimestamp64Nano({from:Int64})))
)
SELECT toUInt64(start) AS start, toUInt64(rows) AS rows, toUInt64(all) AS all
FROM numbered
WHERE intDiv(nth * {samples:UInt64} + intDiv(granules, 2), granules) != intDiv((nth - 1) * {samples:UInt64} + intDiv(granules, 2), granules)
ORDER BY start
