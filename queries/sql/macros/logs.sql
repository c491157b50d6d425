(
    SELECT *
    FROM otel_logs
    WHERE true --= functions
      AND Timestamp >= fromUnixTimestamp64Nano({lv_since:Int64})
      AND Timestamp < fromUnixTimestamp64Nano({lv_until:Int64})
      AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({lv_since:Int64}))
      AND toStartOfFiveMinutes(Timestamp) <= toStartOfFiveMinutes(fromUnixTimestamp64Nano({lv_until:Int64}))
)
