-- What a table behind a Distributed one looks like on one of the cluster's servers. Needs a grant that a reader seldom has.
SELECT name, sorting_key, engine_full, create_table_query
FROM cluster({cluster:String}, 'system', 'tables')
WHERE database = {database:String} AND name = {table:String}
LIMIT 1
