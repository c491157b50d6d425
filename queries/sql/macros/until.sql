fromUnixTimestamp64Nano({lv_until:Int64})
