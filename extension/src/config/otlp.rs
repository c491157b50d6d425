//! The settings of export by OTLP: `ROTEL_OTLP_EXPORTER_*`, for all signals and for each.

use super::{endpoint::Target, parse, settings::Settings};
use crate::{
    flow::SignalKind,
    secrets::{Secret, Template, Value},
};
use http::{HeaderName, HeaderValue, Uri};
use std::{path::Path, time::Duration};

/// Where each signal goes and how; nothing but the TLS settings is shared among them.
#[derive(Clone, Debug, Default)]
pub struct OtlpSettings {
    routes: [Option<Route>; 3],
    /// For every connection with `https`.
    pub tls: Tls,
}

impl OtlpSettings {
    /// The way of one signal; `None` when it has no endpoint.
    #[must_use]
    pub fn route(&self, kind: SignalKind) -> Option<&Route> {
        self.routes[kind as usize].as_ref()
    }
}

/// The way of one signal.
#[derive(Clone, Debug)]
pub struct Route {
    /// Where to.
    pub endpoint: Endpoint,
    /// In which protocol.
    pub protocol: Protocol,
    /// Sent with every request, `authorization` among them.
    pub headers: Vec<Header>,
    /// Of the request's body.
    pub compression: Compression,
    /// The longest that one request may take.
    pub timeout: Duration,
    /// Whether any of it, or of the TLS settings, waits for a secret.
    pub waits: bool,
}

/// OTLP's transports and encodings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// gRPC.
    #[default]
    Grpc,
    /// HTTP with protobuf.
    Http,
    /// HTTP with JSON.
    HttpJson,
}

impl Protocol {
    fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "grpc" => Some(Self::Grpc),
            "http" | "http/protobuf" => Some(Self::Http),
            "http/json" => Some(Self::HttpJson),
            _ => None,
        }
    }

    /// What an endpoint says about its protocol when nothing else does: OTLP/HTTP's port, or a path, which gRPC has not.
    fn of_endpoint(uri: &Uri) -> Self {
        if uri.port_u16() == Some(4318) || uri.path() != "/" { Self::Http } else { Self::Grpc }
    }
}

/// Where a signal goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The whole URL that is asked: with `/v1/<signal>` for HTTP, without any path for gRPC; never with a user in it.
    Known(Uri),
    /// Not known before the secrets in it are.
    Waiting(Template),
}

/// One header of every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// Known, its value marked as sensitive.
    Known(HeaderName, HeaderValue),
    /// Known once its secrets are; without a name, the secret holds `K=V,K=V` itself.
    Waiting(Option<HeaderName>, Template),
}

/// Compression of a request's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// gzip.
    #[default]
    Gzip,
    /// zstd.
    Zstd,
    /// None.
    None,
}

impl Compression {
    /// Its name in HTTP's and gRPC's headers; none for none.
    #[must_use]
    pub const fn encoding(self) -> Option<&'static str> {
        match self {
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
            Self::None => None,
        }
    }
}

/// Who is trusted, and as whom the extension shows itself.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// Certificates of authorities, as PEM, trusted beside the compiled-in ones.
    pub ca: Option<Value>,
    /// The client's certificate.
    pub identity: Option<Identity>,
    /// Whether the server's certificate is looked at.
    pub verify: Verify,
}

/// A client certificate and its key, as PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate and those that lead to its authority.
    pub certificate: Value,
    /// Its private key.
    pub key: Value,
}

/// Whether the server's certificate is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Verify {
    /// It is.
    #[default]
    Full,
    /// It is not (`..._TLS_SKIP_VERIFY`).
    Skip,
}

const PREFIX: &str = "ROTEL_OTLP_EXPORTER_";

impl OtlpSettings {
    pub(super) fn read(settings: &mut Settings<'_>, wanted: bool) -> Self {
        let before = settings.waiting();
        let tls = tls(settings, PREFIX);
        let tls_waits = settings.waiting() > before;
        let mut routes = SignalKind::ALL.map(|kind| SignalSettings { kind, settings: &mut *settings }.route());
        for route in routes.iter_mut().flatten() {
            route.waits |= tls_waits;
        }
        if wanted && routes.iter().all(Option::is_none) {
            settings.fault(
                &format!("{PREFIX}ENDPOINT"),
                "no endpoint, so every signal is dropped",
                "set it to ClickStack's OTLP endpoint such as https://host:4317",
            );
        }
        Self { routes, tls }
    }
}

/// Reads one signal's settings: its own variable, else the one for all signals.
struct SignalSettings<'a, 'b> {
    kind: SignalKind,
    settings: &'a mut Settings<'b>,
}

impl SignalSettings<'_, '_> {
    /// The name that is set: the signal's own before the general one.
    fn name(&mut self, setting: &str) -> String {
        let own = format!("{PREFIX}{}_{setting}", self.kind.as_str().to_ascii_uppercase());
        let general = format!("{PREFIX}{setting}");
        let is_set = self.settings.raw(&own).is_some();
        self.settings.raw(&general);
        if is_set { own } else { general }
    }

    fn route(&mut self) -> Option<Route> {
        let before = self.settings.waiting();
        let name = self.name("PROTOCOL");
        let protocol = self.settings.read(&name, "grpc, http or http/json", Protocol::parse);
        let headers = self.headers();
        let compression = self.compression();
        let name = self.name("REQUEST_TIMEOUT");
        let timeout = self.settings.read(&name, "a duration such as 5s", parse::positive_duration);
        let (endpoint, protocol) = self.endpoint(protocol)?;
        let timeout = timeout.unwrap_or(Duration::from_secs(5));
        let waits = self.settings.waiting() > before;
        Some(Route { endpoint, protocol, headers, compression, timeout, waits })
    }

    fn compression(&mut self) -> Compression {
        let name = self.name("COMPRESSION");
        match self.settings.text(&name).map(|text| text.to_ascii_lowercase()).as_deref() {
            None | Some("gzip") => Compression::Gzip,
            Some("zstd") => Compression::Zstd,
            Some("none") => Compression::None,
            Some(other) => {
                let problem = format!("`{other}` is not had here, gzip is used instead");
                self.settings.fault(&name, problem, "write gzip, zstd or none");
                Compression::Gzip
            }
        }
    }

    fn endpoint(&mut self, protocol: Option<Protocol>) -> Option<(Endpoint, Protocol)> {
        let name = self.name("ENDPOINT");
        let verbatim = name != format!("{PREFIX}ENDPOINT");
        let text = match self.settings.value(&name)? {
            Value::Plain(text) => text,
            Value::Waiting(template) => return Some((Endpoint::Waiting(template), protocol.unwrap_or_default())),
        };
        match Target::parse(text.reveal()) {
            Err(problem) => {
                self.settings.fault(&name, problem, "write a URL such as https://host:4317");
                None
            }
            Ok(target) => {
                if target.had_user {
                    self.settings.fault(
                        &name,
                        "a user in the URL is not sent",
                        format!("put it into {PREFIX}CUSTOM_HEADERS"),
                    );
                }
                let protocol = protocol.or(target.protocol).unwrap_or_else(|| Protocol::of_endpoint(&target.uri));
                Some((Endpoint::Known(target.request_uri(protocol, self.kind, verbatim)), protocol))
            }
        }
    }

    fn headers(&mut self) -> Vec<Header> {
        let name = self.name("CUSTOM_HEADERS");
        let Some(raw) = self.settings.raw(&name) else { return Vec::new() };
        parse::split_list(&raw).into_iter().flat_map(|part| self.header(&name, part)).collect()
    }

    /// One `K=V`; or a reference to a whole list of them.
    fn header(&mut self, variable: &str, part: &str) -> Vec<Header> {
        let whole = part.starts_with("secret://") || part.starts_with("${");
        if whole || !part.contains('=') {
            return self.header_list(variable, part);
        }
        let Some((key, text)) = self.pair(variable, part) else { return Vec::new() };
        let value = self.settings.expanded(variable, &text);
        value.and_then(|value| self.known_or_waiting(variable, &key, value)).into_iter().collect()
    }

    /// A part that stands for `K=V,K=V`; what it expands to is not expanded again, and what is odd in it is not shown.
    fn header_list(&mut self, variable: &str, part: &str) -> Vec<Header> {
        let list = match self.settings.expanded(variable, part) {
            None => return Vec::new(),
            Some(Value::Waiting(template)) => return vec![Header::Waiting(None, template)],
            Some(Value::Plain(list)) => list,
        };
        let mut headers = Vec::new();
        for part in parse::split_list(list.reveal()) {
            let Some((key, text)) = self.pair(variable, part) else { continue };
            headers.extend(self.known_or_waiting(variable, &key, Value::Plain(Secret::new(text))));
        }
        headers
    }

    /// The name and the value of `K=V`, without quotes and percent encoding.
    fn pair(&mut self, variable: &str, part: &str) -> Option<(HeaderName, String)> {
        const REMEDY: &str = "write K=V,K=V and quote a value with a comma";
        let Some((key, value)) = part.split_once('=') else {
            self.settings.fault(variable, "a part of it is no K=V", REMEDY);
            return None;
        };
        let Ok(key) = HeaderName::from_bytes(key.trim().as_bytes()) else {
            self.settings.fault(variable, "a header's name has characters that no header has", REMEDY);
            return None;
        };
        let value = value.trim();
        Some((key, parse::unquoted(value).unwrap_or_else(|| parse::percent_decoded_around_references(value))))
    }

    fn known_or_waiting(&mut self, variable: &str, key: &HeaderName, value: Value) -> Option<Header> {
        let text = match value {
            Value::Waiting(template) => return Some(Header::Waiting(Some(key.clone()), template)),
            Value::Plain(text) => text,
        };
        let Ok(mut value) = HeaderValue::from_str(text.reveal().trim()) else {
            self.settings.fault(
                variable,
                format!("the value of `{key}` has characters that no header has"),
                "remove line ends and other control characters",
            );
            return None;
        };
        value.set_sensitive(true);
        Some(Header::Known(key.clone(), value))
    }
}

/// The TLS settings of the exporter whose variables begin with `prefix`.
pub(super) fn tls(settings: &mut Settings<'_>, prefix: &str) -> Tls {
    let certificate = pem(settings, prefix, "CERT");
    let key = pem(settings, prefix, "KEY");
    let identity = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
        (None, None) => None,
        _ => {
            let names = format!("{prefix}TLS_CERT_*, {prefix}TLS_KEY_*");
            settings.fault(&names, "a client certificate needs both, so none is shown", "set the other one too");
            None
        }
    };
    let skip = settings.read(&format!("{prefix}TLS_SKIP_VERIFY"), "true or false", parse::switch);
    Tls {
        ca: pem(settings, prefix, "CA"),
        identity,
        verify: if skip == Some(true) { Verify::Skip } else { Verify::Full },
    }
}

/// `..._PEM`, else the text of the file that `..._FILE` names.
fn pem(settings: &mut Settings<'_>, prefix: &str, what: &str) -> Option<Value> {
    let (inline, file) = (format!("{prefix}TLS_{what}_PEM"), format!("{prefix}TLS_{what}_FILE"));
    let path = settings.text(&file);
    if let Some(value) = settings.value(&inline) {
        return Some(value);
    }
    settings.file(&file, Path::new(&path?))
}
