has(LogAttributeItems, concat('faas.invocation_id=', {invocation:String}))
