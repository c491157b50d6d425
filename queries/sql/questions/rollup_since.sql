-- From when on the roll-up of `lambdaview schema apply` counts, and how many rows it has; read from the parts' headers.
SELECT toInt64(toUnixTimestamp(min(Time))) * 1000000000 AS since, count() AS rows FROM lambdaview_functions_5m
