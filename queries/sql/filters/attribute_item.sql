has(LogAttributeItems, concat({name:String}, '=', {value:String}))
