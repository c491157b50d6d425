-- What each function did in each five minutes: kept for 400 days, long after the records themselves are gone.
CREATE TABLE IF NOT EXISTS lambdaview_functions_5m
(
    Function LowCardinality(String),
    Service LowCardinality(String),
    Time DateTime CODEC(Delta(4), ZSTD(1)),
    Lines SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    ErrorLines SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    Events SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    BodyBytes SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    FieldBytes SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    Invocations SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    Failed SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    ColdStarts SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    Durations AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), UInt64) CODEC(ZSTD(1)),
    Last SimpleAggregateFunction(max, DateTime64(9)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(Time)
ORDER BY (Function, Service, Time)
TTL Time + toIntervalDay(400)
SETTINGS ttl_only_drop_parts = 1;
