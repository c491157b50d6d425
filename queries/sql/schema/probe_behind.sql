-- What a table behind a Distributed one looks like, where this server has it and the user may see it.
SELECT name, sorting_key, engine_full, create_table_query
FROM system.tables
WHERE database = if({database:String} = '', currentDatabase(), {database:String}) AND name = {table:String}
