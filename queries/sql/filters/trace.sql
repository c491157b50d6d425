TraceId = {trace:String}
