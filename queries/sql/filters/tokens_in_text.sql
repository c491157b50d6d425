hasAllTokens(lower(Body), {tokens:Array(String)})
