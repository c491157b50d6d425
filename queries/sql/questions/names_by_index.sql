-- The names of all functions, the busiest first, read from the text index's dictionary and from no row: today's layout, ClickHouse 26.3 and later.
SELECT substring(token, length('faas.name=') + 1) AS name, '' AS service, false AS by_service
FROM mergeTreeTextIndex(currentDatabase(), 'otel_logs', 'idx_res_attr_items')
WHERE startsWith(token, 'faas.name=')
GROUP BY name
ORDER BY sum(cardinality) DESC
LIMIT 10000
