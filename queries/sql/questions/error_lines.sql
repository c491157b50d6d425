-- Lines of errors in a window, those together that differ in ids, numbers and quoted words only. Of an exception its message counts;
-- what Lambda's runtimes put before a line of text does not. Of granules without one of theirs not even the time is read.
WITH
    substring(splitByChar('\n', if(LogAttributes['exception.message'] != '', LogAttributes['exception.message'], Body))[1], 1, 400) AS line,
    replaceRegexpOne(line, '^(?:\\[[A-Z]+\\]\\s+)?\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z\\s+[0-9a-f-]{36}\\s+(?:[A-Z]+\\s+)?', '') AS said,
    if(LogAttributes['faas.invocation_id'] != '', LogAttributes['faas.invocation_id'], '') AS id
SELECT
    LogAttributes['exception.type'] AS kind,
    replaceRegexpAll(
        replaceRegexpAll(
            replaceRegexpAll(said, '"[^"]*"|`[^`]*`|\\B\'[^\']*\'\\B', '<*>'),
            '\\b(?:0x[0-9A-Fa-f]+|[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{12,})\\b', '<*>'),
        '[0-9]+', '<*>') AS message,
    count() AS lines,
    min(toUnixTimestamp64Nano(Timestamp)) AS first,
    max(toUnixTimestamp64Nano(Timestamp)) AS last,
    arraySort(groupUniqArray(50)(if(ResourceAttributes['faas.name'] != '', ResourceAttributes['faas.name'], CAST(ServiceName, 'String')))) AS functions,
    arraySort(groupUniqArrayIf(50)(ResourceAttributes['faas.version'], ResourceAttributes['faas.version'] != '')) AS versions,
    argMax(said, Timestamp) AS sample,
    argMaxIf(id, Timestamp, id != '') AS request_id,
    argMaxIf(TraceId, Timestamp, TraceId != '') AS trace_id,
    groupUniqArrayIf(10000)(id, id != '') AS invocations
FROM otel_logs
PREWHERE SeverityNumber >= 17 AND true --= functions --? some
WHERE Timestamp >= fromUnixTimestamp64Nano({from:Int64})
  AND SeverityNumber >= 17 AND ResourceAttributes['faas.name'] != '' --? !some
  AND Timestamp < fromUnixTimestamp64Nano({until:Int64})
  AND toStartOfFiveMinutes(Timestamp) >= toStartOfFiveMinutes(fromUnixTimestamp64Nano({from:Int64}))
  AND toStartOfFiveMinutes(Timestamp) <= toStartOfFiveMinutes(fromUnixTimestamp64Nano({until:Int64}))
GROUP BY kind, message
ORDER BY lines DESC, last DESC
LIMIT 1000
