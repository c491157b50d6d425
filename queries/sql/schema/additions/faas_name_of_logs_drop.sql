-- Takes the column away; the map keeps the name.
ALTER TABLE otel_logs DROP COLUMN IF EXISTS `__hdx_materialized_faas.name`;
