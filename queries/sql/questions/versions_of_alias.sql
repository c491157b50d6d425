-- The versions of functions that an alias led to in a window, the latest first: Lambda names the alias in the ARN that was invoked,
-- behind the function's name, and nowhere else.
SELECT ResourceAttributes['faas.version'] AS version
FROM otel_traces
WHERE Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND true --= functions
  AND SpanKind = 'Server'
  AND splitByChar(':', SpanAttributes['aws.lambda.invoked_arn'])[8] = {alias:String}
  AND version != ''
GROUP BY version
ORDER BY max(Timestamp) DESC
LIMIT 100
