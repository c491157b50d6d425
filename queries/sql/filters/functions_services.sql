ServiceName IN {services:Array(String)}
