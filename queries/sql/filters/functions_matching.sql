match(ResourceAttributes['faas.name'], {pattern:String})
