(
    SELECT *
    FROM otel_traces
    WHERE true --= functions
      AND Timestamp >= fromUnixTimestamp64Nano({lv_since:Int64})
      AND Timestamp < fromUnixTimestamp64Nano({lv_until:Int64})
)
