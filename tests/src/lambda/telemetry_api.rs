//! The Telemetry API: who may subscribe, to what, and how it wants to be served.

use super::{
    answer::Refusal,
    environment::Environment,
    event::{Event, Schema, Stream},
    extensions_api::{IDENTIFIER, text},
    state::{Phase, Step},
};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::put,
};
use serde_json::{Value, json};
use std::{ops::RangeInclusive, sync::Arc, time::Duration};

pub(super) fn routes() -> Router<Arc<Environment>> {
    Router::new().route("/2022-07-01/telemetry", put(subscribe))
}

/// Where a subscriber wants its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// A POST of an array to this path and port.
    Http { port: u16, path: String },
    /// One event a line.
    Tcp { port: u16 },
}

/// A subscription that the platform accepts.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) schema: Schema,
    pub(super) streams: Vec<Stream>,
    pub(super) max_items: usize,
    pub(super) max_bytes: usize,
    pub(super) timeout: Duration,
    pub(super) destination: Destination,
}

const MAX_ITEMS: RangeInclusive<u64> = 1_000..=10_000;
const MAX_BYTES: RangeInclusive<u64> = 262_144..=1_048_576;
const TIMEOUT_MS: RangeInclusive<u64> = 25..=30_000;

impl Wish {
    /// Reads and checks a request's body; the error says what is wrong with it.
    pub(super) fn parse(body: &[u8], managed: bool, refused: &[String]) -> Result<Self, String> {
        let body: Value = serde_json::from_slice(body).map_err(|error| format!("invalid JSON: {error}"))?;
        let buffering = &body["buffering"];
        Ok(Self {
            schema: schema(&body, managed, refused)?,
            streams: streams(&body)?,
            max_items: number(buffering, "maxItems", 10_000, &MAX_ITEMS)? as usize,
            max_bytes: number(buffering, "maxBytes", 262_144, &MAX_BYTES)? as usize,
            timeout: Duration::from_millis(number(buffering, "timeoutMs", 1_000, &TIMEOUT_MS)?),
            destination: destination(&body["destination"])?,
        })
    }
}

fn schema(body: &Value, managed: bool, refused: &[String]) -> Result<Schema, String> {
    let name = body["schemaVersion"].as_str().unwrap_or("2022-07-01");
    let known = Schema::parse(name).filter(|schema| !managed || *schema == Schema::V2025_01_29);
    known
        .filter(|_| !refused.iter().any(|version| version == name))
        .ok_or_else(|| format!("schemaVersion is not supported: {name}"))
}

fn streams(body: &Value) -> Result<Vec<Stream>, String> {
    let names = body["types"].as_array().filter(|types| !types.is_empty()).ok_or("types should not be empty")?;
    let stream = |name: &Value| match name.as_str() {
        Some("platform") => Ok(Stream::Platform),
        Some("function") => Ok(Stream::Function),
        Some("extension") => Ok(Stream::Extension),
        _ => Err(format!("unknown type: {name}")),
    };
    names.iter().map(stream).collect()
}

fn number(buffering: &Value, name: &str, default: u64, range: &RangeInclusive<u64>) -> Result<u64, String> {
    match &buffering[name] {
        Value::Null => Ok(default),
        value => value
            .as_u64()
            .filter(|number| range.contains(number))
            .ok_or_else(|| format!("buffering.{name} must be within {range:?}")),
    }
}

fn destination(wanted: &Value) -> Result<Destination, String> {
    match wanted["protocol"].as_str() {
        Some("HTTP") => http(wanted["URI"].as_str().ok_or("destination.URI is missing")?),
        Some("TCP") => {
            let port = wanted["port"].as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
            Ok(Destination::Tcp { port: port.ok_or("destination.port is missing")? })
        }
        _ => Err("destination.protocol must be HTTP or TCP".to_owned()),
    }
}

fn http(uri: &str) -> Result<Destination, String> {
    let uri: Uri = uri.parse().map_err(|error| format!("destination.URI: {error}"))?;
    if !matches!(uri.host(), Some("sandbox.localdomain" | "sandbox")) {
        return Err("Invalid destination: destination.URI host must be sandbox.localdomain".to_owned());
    }
    let port = uri.port_u16().ok_or("URI port is not provided")?;
    Ok(Destination::Http { port, path: uri.path().to_owned() })
}

async fn subscribe(
    State(environment): State<Arc<Environment>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    if environment.settings.faults.telemetry_unsupported {
        let refusal = Refusal {
            status: StatusCode::ACCEPTED,
            error_type: "Telemetry.NotSupported",
            message: "Telemetry API is not supported".into(),
        };
        return Err(refusal);
    }
    let name = allowed(&environment, text(&headers, IDENTIFIER))?;
    let wish = Wish::parse(&body, environment.settings.managed(), &environment.settings.faults.refused_schemas);
    let wish = wish.map_err(|message| Refusal::bad("ValidationError", message))?;
    let streams: Vec<_> = wish.streams.iter().map(|stream| stream.as_str()).collect();
    let again = environment.subscribe(&name, wish);
    let state = if again { "Already subscribed" } else { "Subscribed" };
    environment.emit(Event::platform(
        chrono::Utc::now(),
        "platform.telemetrySubscription",
        json!({ "name": name, "state": state, "types": streams }),
    ));
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], "\"OK\"").into_response())
}

/// The extension's name, if it may subscribe now.
fn allowed(environment: &Environment, id: Option<&str>) -> Result<String, Refusal> {
    environment.change(|state| {
        let open = state.phase == Phase::Init;
        let extension = state.identified(id)?;
        if open && extension.step == Step::Registered {
            return Ok(extension.name.clone());
        }
        Err(Refusal::forbidden("Telemetry.SubscriptionClosed", "Telemetry API subscription is closed already"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let mut body = json!({
            "schemaVersion": "2025-01-29",
            "types": ["platform", "function"],
            "buffering": {"maxItems": 1000, "maxBytes": 262_144, "timeoutMs": 25},
            "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:4243/events"},
        });
        change(&mut body);
        body.to_string().into_bytes()
    }

    fn fault(change: impl FnOnce(&mut Value)) -> String {
        Wish::parse(&body(change), false, &[]).unwrap_err()
    }

    #[test]
    fn a_right_wish_is_understood() {
        let wish = Wish::parse(&body(|_| ()), false, &[]).unwrap();
        assert_eq!(wish.schema, Schema::V2025_01_29);
        assert_eq!(wish.streams, [Stream::Platform, Stream::Function]);
        assert_eq!((wish.max_items, wish.max_bytes, wish.timeout.as_millis()), (1_000, 262_144, 25));
        assert_eq!(wish.destination, Destination::Http { port: 4243, path: "/events".into() });
    }

    #[test]
    fn without_buffering_the_documented_defaults_hold() {
        let wish = Wish::parse(&body(|body| body["buffering"] = Value::Null), false, &[]).unwrap();
        assert_eq!((wish.max_items, wish.max_bytes, wish.timeout.as_millis()), (10_000, 262_144, 1_000));
    }

    #[test]
    fn every_bound_of_buffering_is_held() {
        for (name, wrong) in [
            ("maxItems", 999),
            ("maxItems", 10_001),
            ("maxBytes", 262_143),
            ("maxBytes", 1_048_577),
            ("timeoutMs", 24),
            ("timeoutMs", 30_001),
        ] {
            assert!(fault(|body| body["buffering"][name] = json!(wrong)).contains(name), "{name} {wrong}");
        }
    }

    #[test]
    fn wrong_destinations_are_refused_in_aws_words() {
        assert_eq!(
            fault(|body| body["destination"]["URI"] = json!("http://example.com:80")),
            "Invalid destination: destination.URI host must be sandbox.localdomain"
        );
        assert_eq!(
            fault(|body| body["destination"]["URI"] = json!("http://sandbox.localdomain")),
            "URI port is not provided"
        );
        assert_eq!(
            fault(|body| body["destination"]["protocol"] = json!("UDP")),
            "destination.protocol must be HTTP or TCP"
        );
    }

    #[test]
    fn types_must_be_there_and_known() {
        assert_eq!(fault(|body| body["types"] = json!([])), "types should not be empty");
        assert!(fault(|body| body["types"] = json!(["weather"])).contains("weather"));
    }

    #[test]
    fn managed_instances_know_the_newest_schema_only() {
        let older = body(|body| body["schemaVersion"] = json!("2022-12-13"));
        assert!(Wish::parse(&older, false, &[]).is_ok());
        assert!(Wish::parse(&older, true, &[]).is_err());
    }
}
