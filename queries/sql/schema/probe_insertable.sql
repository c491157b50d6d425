-- The columns that rows can be written into, of those of ClickStack's tables that are there.
SELECT table, name, type
FROM system.columns
WHERE database = {database:String}
  AND has({tables:Array(String)}, table)
  AND default_kind NOT IN ('MATERIALIZED', 'ALIAS')
ORDER BY table, position
FORMAT JSONCompactEachRow;
