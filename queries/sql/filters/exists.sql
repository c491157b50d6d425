Body != ''
