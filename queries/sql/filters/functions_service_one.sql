ServiceName = {service:String}
