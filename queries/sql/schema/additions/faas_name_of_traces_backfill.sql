-- The same for spans.
ALTER TABLE otel_traces MATERIALIZE COLUMN `__hdx_materialized_faas.name` SETTINGS mutations_sync = 1;
