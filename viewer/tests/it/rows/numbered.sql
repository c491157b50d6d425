-- A block of numbered lines of `pay`; every seventh block is late, and every thirteenth of yesterday.
INSERT INTO otel_logs (Timestamp, SeverityText, SeverityNumber, ServiceName, Body, ResourceAttributes, LogAttributes)
SELECT
    now64(9) - toIntervalSecond(multiIf({block:UInt32} % 13 = 0, 26 * 3600, {block:UInt32} % 7 = 0, 5, 0)),
    'info',
    9,
    'pay',
    concat('number ', toString({first:UInt32} + number)),
    map('faas.name', 'pay'),
    map('faas.invocation_id', toString({block:UInt32}))
FROM numbers({count:UInt32})
