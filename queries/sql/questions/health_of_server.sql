-- Who we are to the server, and how it reckons time.
SELECT
    currentUser() AS user,
    timezone() AS timezone,
    toUnixTimestamp64Nano(now64(9)) AS now
