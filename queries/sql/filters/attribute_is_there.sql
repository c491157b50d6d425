mapContains(LogAttributes, {name:String})
