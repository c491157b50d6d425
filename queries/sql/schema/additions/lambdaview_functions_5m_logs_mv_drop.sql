-- Stops the counting.
DROP VIEW IF EXISTS lambdaview_functions_5m_logs_mv;
