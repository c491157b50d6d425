{lv_functions:Array(String)}
