-- What each function logged in a window, in whole five minutes, from the roll-up of `lambdaview schema apply`.
SELECT
    CAST(Function, 'String') AS name,
    sum(Events) AS lines,
    sum(ErrorLines) AS error_lines,
    sum(BodyBytes) AS body_bytes,
    sum(FieldBytes) AS field_bytes,
    toUInt64(0) AS invocations,
    toUnixTimestamp64Nano(max(Last)) AS last
FROM lambdaview_functions_5m
WHERE Time >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
  AND Time < fromUnixTimestamp64Nano({until:Int64})
GROUP BY name
HAVING lines > 0
