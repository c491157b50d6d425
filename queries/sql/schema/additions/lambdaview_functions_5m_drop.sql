-- Takes the roll-up away, with what it counted.
DROP TABLE IF EXISTS lambdaview_functions_5m;
