//! References to secrets: one is read back as it was written, and a value that needs one is never sent without it.

use crate::given::Given;
use lambdaview_extension::{
    config::{Config, Header},
    flow::SignalKind,
    secrets::{Reference, Secret},
};

/// `data` as a reference, alone and within a header's value.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let reference = Reference::parse(&text);
    if let Ok(reference) = &reference {
        assert_eq!(reference.to_string(), text, "a reference says what was written");
        assert_eq!(Reference::parse(&reference.to_string()).as_ref(), Ok(reference));
        assert!(!reference.region.is_empty() && reference.key.as_deref() != Some(""));
    }
    if !text.contains(['}', '\0']) {
        within(&text, reference.ok());
    }
}

fn within(text: &str, reference: Option<Reference>) {
    let given = Given::default()
        .with("ROTEL_OTLP_EXPORTER_ENDPOINT", "http://c:4317")
        .with("ROTEL_OTLP_EXPORTER_CUSTOM_HEADERS", format!("authorization=Bearer ${{{text}}}"));
    let (config, faults) = Config::from_env(&given);
    let headers = &config.otlp.route(SignalKind::Logs).expect("it has an endpoint").headers;
    match reference {
        Some(reference) => {
            let [Header::Waiting(Some(name), template)] = &headers[..] else { panic!("{headers:?} for {text}") };
            assert_eq!(name, "authorization");
            assert_eq!(template.references().collect::<Vec<_>>(), [&reference]);
            assert_eq!(template.fill(|_| None), None, "nothing is sent without the secret");
            let filled = template.fill(|_| Some(Secret::new("k3y"))).expect("every secret is known");
            assert_eq!(filled.reveal(), "Bearer k3y");
        }
        None if text.starts_with("arn:") => {
            assert!(headers.is_empty() && !faults.is_empty(), "{text} is no reference: {headers:?}");
        }
        None => {}
    }
}
