match(Body, {pattern:String})
