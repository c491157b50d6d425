-- The spans of that invocation.
INSERT INTO otel_traces (Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, ResourceAttributes, SpanAttributes, Duration, StatusCode, StatusMessage)
SELECT
    now64(9) - toIntervalSecond(61 - number),
    '5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b',
    ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb'][number + 1],
    ['', 'aaaaaaaaaaaaaaaa'][number + 1],
    ['checkout', 'POST /charges'][number + 1],
    ['Server', 'Client'][number + 1],
    'shop',
    {resource},
    {attributes},
    5000000000,
    ['Unset', 'Error'][number + 1],
    ['', '402 Payment Required'][number + 1]
FROM numbers(2)
