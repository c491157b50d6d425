-- Writes the column for the rows that are there: without it they are read through the map.
ALTER TABLE otel_logs MATERIALIZE COLUMN `__hdx_materialized_faas.name` SETTINGS mutations_sync = 1;
