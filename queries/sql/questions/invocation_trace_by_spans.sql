-- The trace of an invocation, by the span that names it.
SELECT TraceId AS trace_id
FROM otel_traces
WHERE has(SpanAttributeItems, concat('faas.invocation_id=', {invocation:String})) AND TraceId != ''
LIMIT 1
