(match(Body, '^-*[0-9][-+0-9.eE]*$') AND ifNull(multiIf(
    {comparison:String} = '<', toFloat64OrNull(Body) < {number:Float64},
    {comparison:String} = '<=', toFloat64OrNull(Body) <= {number:Float64},
    {comparison:String} = '>=', toFloat64OrNull(Body) >= {number:Float64},
    toFloat64OrNull(Body) > {number:Float64}), false))
