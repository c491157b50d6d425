match(lower(Body), {pattern:String})
