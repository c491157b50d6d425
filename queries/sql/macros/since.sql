fromUnixTimestamp64Nano({lv_since:Int64})
