-- What each function would have written to CloudWatch in a window, in whole five minutes, from the roll-up of `lambdaview schema apply`.
SELECT
    CAST(Function, 'String') AS name,
    sum(Events) AS events,
    sum(BodyBytes) AS body_bytes,
    sum(FieldBytes) AS field_bytes,
    sum(Invocations) AS invocations,
    toInt64(toUnixTimestamp(min(Time))) * 1000000000 AS first,
    toUnixTimestamp64Nano(max(Last)) AS last
FROM lambdaview_functions_5m
WHERE Time >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
GROUP BY name
ORDER BY body_bytes DESC
