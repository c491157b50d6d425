Body = {value:String}
