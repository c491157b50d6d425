-- How many records each function wrote on each day that a window holds whole, and on those of the week before now: read from the text
-- index's dictionary and from no row. Today's layout, ClickHouse 26.3 and later.
SELECT
    substring(token, length('faas.name=') + 1) AS name,
    toUInt32OrZero(splitByChar('_', part_name)[1]) AS day,
    day > toYYYYMMDD(fromUnixTimestamp64Nano({from:Int64})) AS in_window,
    toUnixTimestamp64Nano(toDateTime64(YYYYMMDDToDate(day), 9)) AS began,
    sum(cardinality) AS records
FROM mergeTreeTextIndex(currentDatabase(), {table:String}, 'idx_res_attr_items')
WHERE startsWith(token, 'faas.name=') AND day >= toYYYYMMDD(fromUnixTimestamp64Nano(least({from:Int64}, {week:Int64})))
GROUP BY name, day
