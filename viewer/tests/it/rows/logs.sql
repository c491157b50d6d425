-- One invocation of `checkout`: a line with a span, a line without, a failed one, and bytes that are no UTF-8.
INSERT INTO otel_logs (Timestamp, TraceId, SpanId, SeverityText, SeverityNumber, ServiceName, Body, ResourceAttributes, LogAttributes)
SELECT
    now64(9) - toIntervalSecond(60 - number),
    if(number = 3, '', '5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b'),
    if(number = 0, 'aaaaaaaaaaaaaaaa', ''),
    if(number = 2, 'error', 'info'),
    if(number = 2, 17, 9),
    'shop',
    if(number = 3, unhex('ff00fe'), concat('line ', toString(number))),
    {resource},
    {attributes}
FROM numbers(4)
