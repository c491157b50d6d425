-- The same for spans.
ALTER TABLE otel_traces DROP COLUMN IF EXISTS `__hdx_materialized_faas.name`;
