//! `ROTEL_..._CUSTOM_HEADERS` and `ROTEL_OTEL_RESOURCE_ATTRIBUTES`: a valid entry counts whatever stands beside it, or a fault
//! is told; and no fault tells a secret.

use crate::given::Given;
use lambdaview_extension::{
    config::{Config, Fault, Header},
    flow::SignalKind,
};

const HEADERS: &str = "ROTEL_OTLP_EXPORTER_CUSTOM_HEADERS";
const ATTRIBUTES: &str = "ROTEL_OTEL_RESOURCE_ATTRIBUTES";
const SECRET: &str = "s3cr3t-first,k3y";

/// `data` between two valid headers, and between two valid attributes.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    headers(&text);
    attributes(&text);
}

fn read(name: &str, value: String) -> (Config, Vec<Fault>) {
    Config::from_env(&Given::default().with("ROTEL_OTLP_EXPORTER_ENDPOINT", "http://c:4317").with(name, value))
}

fn told(faults: &[Fault], name: &str) -> bool {
    faults.iter().any(|fault| fault.variable.contains(name))
}

fn headers(text: &str) {
    let (config, faults) = read(HEADERS, format!("x-first=\"{SECRET}\",{text},x-last=l%61st"));
    let route = config.otlp.route(SignalKind::Logs).expect("it has an endpoint");
    let known = |name: &str, value: &str| {
        route.headers.iter().any(|header| matches!(header, Header::Known(n, v) if n == name && v == value))
    };
    assert!(known("x-first", SECRET), "what stands first is lost: {:?}", route.headers);
    assert!(known("x-last", "last") || told(&faults, HEADERS), "the last is lost: {:?} {faults:?}", route.headers);
    let said = format!("{config:?} {faults:?}");
    assert!(!said.contains("s3cr3t-first"), "{said}");
}

fn attributes(text: &str) {
    let (config, faults) = read(ATTRIBUTES, format!("first=1%2C1,{text},last=2"));
    let has = |key: &str, value: &str| config.resource.every_signal.iter().any(|(k, v)| k == key && v == value);
    let both = has("first", "1,1") && has("last", "2");
    assert!(both || told(&faults, ATTRIBUTES), "{:?} {faults:?}", config.resource);
}
