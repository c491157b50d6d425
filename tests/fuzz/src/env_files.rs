//! The dotenv file: its valid lines count whatever stands between them, and lines that say nothing are named.

use crate::given::Given;
use lambdaview_extension::config::Config;

/// `data` between two valid lines.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let file = format!("OTEL_SERVICE_NAME=orders # first\n{text}\nROTEL_OTEL_RESOURCE_ATTRIBUTES='a=b'\n");
    let given = Given::default().with("ROTEL_ENV_FILE", "/var/task/rotel.env");
    let given = given.with("ROTEL_OTLP_EXPORTER_ENDPOINT", "http://function:4317").file(file.clone());
    let (config, faults) = Config::from_env(&given);
    let originated = |key: &str, value: &str| config.resource.originated.iter().any(|(k, v)| k == key && v == value);
    if !text.contains("OTEL_SERVICE_NAME") {
        assert!(originated("service.name", "orders"), "the first line is lost: {:?}", config.resource);
    }
    // A quote may go over line ends: what it takes in is its own.
    if !text.contains(['"', '\'']) {
        let every = [("a".to_owned(), "b".to_owned())];
        assert_eq!(config.resource.every_signal, every, "the last line is lost");
    }
    let route = config.otlp.route(lambdaview_extension::flow::SignalKind::Metrics);
    if !text.contains("METRICS_ENDPOINT") {
        let endpoint = format!("{:?}", route.map(|route| &route.endpoint));
        assert!(endpoint.contains("function"), "a variable of the function wins: {endpoint}");
    }
    for fault in faults.iter().filter(|fault| fault.variable == "ROTEL_ENV_FILE") {
        let line = fault.problem.strip_prefix("line ").and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok());
        assert!(line.is_none_or(|line| (2..=file.lines().count()).contains(&line)), "{fault}");
    }
}
