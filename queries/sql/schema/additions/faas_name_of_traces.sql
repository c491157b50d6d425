-- The same for spans.
ALTER TABLE otel_traces ADD COLUMN IF NOT EXISTS `__hdx_materialized_faas.name` LowCardinality(String) MATERIALIZED ResourceAttributes['faas.name'] CODEC(ZSTD(1));
