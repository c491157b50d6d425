-- Given to `clickhouse local`: serve both protocols until the standard input, which its parent holds open, ends.
SYSTEM START LISTEN HTTP;
SYSTEM START LISTEN TCP;
SELECT count() FROM file('/dev/stdin', 'LineAsString');
