-- The services there are: no more than their column is read.
SELECT CAST(ServiceName, 'String') AS service
FROM otel_logs
GROUP BY ServiceName
ORDER BY count() DESC
LIMIT 10000
