-- What the server is and what this user may change; its clock, so that no question depends on ours.
SELECT
    version() AS version,
    toUInt8(getSetting('readonly')) AS readonly,
    toUnixTimestamp64Nano(now64(9)) AS now
