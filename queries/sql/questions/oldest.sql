-- When the oldest log record and the oldest span there are were written, in nanoseconds since 1970. Scalar subqueries are nullable.
SELECT assumeNotNull(least(
    (SELECT toUnixTimestamp64Nano(min(Timestamp)) FROM otel_logs),
    (SELECT toUnixTimestamp64Nano(min(Timestamp)) FROM otel_traces)
)) AS oldest
