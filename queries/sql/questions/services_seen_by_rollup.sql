-- The services there are, from the counts that ClickStack keeps beside the table.
SELECT Value AS service
FROM otel_logs_kv_rollup_15m
WHERE ColumnIdentifier = 'NativeColumn' AND Key = 'ServiceName'
GROUP BY Value
ORDER BY sum(count) DESC
LIMIT 10000
