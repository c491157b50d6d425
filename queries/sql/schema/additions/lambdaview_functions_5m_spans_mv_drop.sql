-- Stops the counting.
DROP VIEW IF EXISTS lambdaview_functions_5m_spans_mv;
