-- The trace of an invocation, by a log line that names both.
SELECT TraceId AS trace_id
FROM otel_logs
WHERE has(LogAttributeItems, concat('faas.invocation_id=', {invocation:String})) AND TraceId != ''
LIMIT 1
