mapContains(ResourceAttributes, 'faas.name')
