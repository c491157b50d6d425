hasToken(lower(Body), {token:String})
