-- When a trace began and ended, to the second, from the table that the collector's exporter keeps for that.
SELECT
    count() AS parts,
    toUnixTimestamp64Nano(toDateTime64(min(Start), 9)) AS began,
    toUnixTimestamp64Nano(toDateTime64(max(End), 9)) AS ended
FROM otel_traces_trace_id_ts
WHERE TraceId = {trace:String}
