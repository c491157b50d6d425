-- The function's name in a column of its own. The web UI reads it in place of the map wherever `faas.name` is asked for.
ALTER TABLE otel_logs ADD COLUMN IF NOT EXISTS `__hdx_materialized_faas.name` LowCardinality(String) MATERIALIZED ResourceAttributes['faas.name'] CODEC(ZSTD(1));
