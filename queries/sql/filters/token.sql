hasToken(Body, {token:String})
