-- Given to `clickhouse local`: serve until the standard input, which its parent holds open, ends.
SYSTEM START LISTEN HTTP;
SELECT count() FROM file('/dev/stdin', 'LineAsString');
