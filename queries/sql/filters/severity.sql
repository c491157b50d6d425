SeverityNumber >= {least:UInt8}
