hasAny(ResourceAttributeItems, arrayMap(name -> concat('faas.name=', name), {functions:Array(String)}))
