-- Which part of the first day's records lies in a window: counted in the primary index, but for its edges.
SELECT assumeNotNull((
    SELECT count()
    FROM otel_logs
    WHERE toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
      AND toStartOfFiveMinutes(Timestamp) < toDateTime(toDate(fromUnixTimestamp64Nano({from:Int64})) + 1)
) / greatest(1, (
    SELECT count()
    FROM otel_logs
    WHERE toStartOfFiveMinutes(Timestamp) >= toDateTime(toDate(fromUnixTimestamp64Nano({from:Int64})))
      AND toStartOfFiveMinutes(Timestamp) < toDateTime(toDate(fromUnixTimestamp64Nano({from:Int64})) + 1)
))) AS share
