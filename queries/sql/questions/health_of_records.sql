-- What the extension itself says that it dropped, by signal and reason.
SELECT
    CAST(Attributes['signal'], 'String') AS signal,
    CAST(Attributes['reason'], 'String') AS reason,
    sum(Value) AS records
FROM otel_metrics_sum
WHERE MetricName = 'lambdaview.records.dropped'
  AND has({functions:Array(String)}, ResourceAttributes['faas.name'])
  AND TimeUnix >= fromUnixTimestamp64Nano({from:Int64})
GROUP BY signal, reason
HAVING records > 0
ORDER BY records DESC
