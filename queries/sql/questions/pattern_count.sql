-- How many lines there are to read, and over how long a time: what says whether a sample is enough.
SELECT
    count() AS lines,
    min(toUnixTimestamp64Nano(Timestamp)) AS first,
    max(toUnixTimestamp64Nano(Timestamp)) AS last
FROM otel_logs
WHERE true --= functions
  AND true --= filter
  AND Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
  AND toStartOfFiveMinutes(Timestamp) <= toStartOfFiveMinutes(fromUnixTimestamp64Nano({until:Int64}))
