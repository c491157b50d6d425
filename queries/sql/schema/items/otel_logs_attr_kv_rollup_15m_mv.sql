-- Feeds otel_logs_kv_rollup_15m from the native columns of each inserted block.
CREATE MATERIALIZED VIEW IF NOT EXISTS otel_logs_attr_kv_rollup_15m_mv TO otel_logs_kv_rollup_15m AS
SELECT
    Quarter AS Timestamp,
    'NativeColumn' AS ColumnIdentifier,
    Key,
    Value,
    count() AS count
FROM
(
    SELECT toStartOfFifteenMinutes(Timestamp) AS Quarter, 'SeverityText' AS Key, CAST(SeverityText AS String) AS Value FROM otel_logs
    UNION ALL
    SELECT toStartOfFifteenMinutes(Timestamp) AS Quarter, 'ServiceName' AS Key, CAST(ServiceName AS String) AS Value FROM otel_logs
    UNION ALL
    SELECT toStartOfFifteenMinutes(Timestamp) AS Quarter, 'ScopeName' AS Key, CAST(ScopeName AS String) AS Value FROM otel_logs
    UNION ALL
    SELECT toStartOfFifteenMinutes(Timestamp) AS Quarter, 'ScopeVersion' AS Key, CAST(ScopeVersion AS String) AS Value FROM otel_logs
    UNION ALL
    SELECT toStartOfFifteenMinutes(Timestamp) AS Quarter, 'ResourceSchemaUrl' AS Key, CAST(ResourceSchemaUrl AS String) AS Value FROM otel_logs
    UNION ALL
    SELECT toStartOfFifteenMinutes(Timestamp) AS Quarter, 'ScopeSchemaUrl' AS Key, CAST(ScopeSchemaUrl AS String) AS Value FROM otel_logs
    UNION ALL
    SELECT toStartOfFifteenMinutes(Timestamp) AS Quarter, '__hdx_materialized_k8s.cluster.name' AS Key, CAST(`__hdx_materialized_k8s.cluster.name` AS String) AS Value FROM otel_logs
    UNION ALL
    SELECT toStartOfFifteenMinutes(Timestamp) AS Quarter, '__hdx_materialized_k8s.container.name' AS Key, CAST(`__hdx_materialized_k8s.container.name` AS String) AS Value FROM otel_logs
    UNION ALL
    SELECT toStartOfFifteenMinutes(Timestamp) AS Quarter, '__hdx_materialized_k8s.deployment.name' AS Key, CAST(`__hdx_materialized_k8s.deployment.name` AS String) AS Value FROM otel_logs
    UNION ALL
    SELECT toStartOfFifteenMinutes(Timestamp) AS Quarter, '__hdx_materialized_k8s.namespace.name' AS Key, CAST(`__hdx_materialized_k8s.namespace.name` AS String) AS Value FROM otel_logs
    UNION ALL
    SELECT toStartOfFifteenMinutes(Timestamp) AS Quarter, '__hdx_materialized_k8s.node.name' AS Key, CAST(`__hdx_materialized_k8s.node.name` AS String) AS Value FROM otel_logs
    UNION ALL
    SELECT toStartOfFifteenMinutes(Timestamp) AS Quarter, '__hdx_materialized_k8s.pod.name' AS Key, CAST(`__hdx_materialized_k8s.pod.name` AS String) AS Value FROM otel_logs
    UNION ALL
    SELECT toStartOfFifteenMinutes(Timestamp) AS Quarter, '__hdx_materialized_k8s.pod.uid' AS Key, CAST(`__hdx_materialized_k8s.pod.uid` AS String) AS Value FROM otel_logs
    UNION ALL
    SELECT toStartOfFifteenMinutes(Timestamp) AS Quarter, '__hdx_materialized_deployment.environment.name' AS Key, CAST(`__hdx_materialized_deployment.environment.name` AS String) AS Value FROM otel_logs
)
GROUP BY Quarter, Key, Value;
