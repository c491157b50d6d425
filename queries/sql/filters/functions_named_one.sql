has(ResourceAttributeItems, concat('faas.name=', {function:String}))
