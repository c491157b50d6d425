//! ClickHouse's HTTP interface: one insert, and one look at the columns of tables.

use std::fmt::Write;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Uri, header, uri::PathAndQuery};
use http_body_util::Full;
use lambdaview_queries::schema;

use super::{
    answer::{self, Failure},
    columns::{Column, Plan},
};
use crate::{
    clock,
    config::{ClickHouseSettings, Endpoint},
    export::otlp::{
        USER_AGENT, host,
        transport::{NoAnswer, Transport, Version},
    },
    secrets::{Secret, Value},
};

/// Where rows are written and as whom.
#[derive(Debug)]
pub(super) struct Server {
    uri: Uri,
    headers: HeaderMap,
    /// Never to be told, also where the server repeats it.
    password: Secret,
    async_insert: bool,
    pub(super) compress: bool,
    transport: Transport,
}

/// Why nothing can be written for now, or at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// There is no endpoint, or a setting that no request can carry.
    Unusable(&'static str),
    /// These secrets are not known yet.
    Waiting(String),
}

impl Server {
    pub(super) fn new(settings: &ClickHouseSettings) -> Result<Self, Closed> {
        let (uri, user, password) = match (&settings.endpoint, &settings.user, &settings.password) {
            (None, ..) => return Err(Closed::Unusable("no endpoint")),
            (Some(Endpoint::Known(uri)), Value::Plain(user), Value::Plain(password)) => (uri.clone(), user, password),
            _ => return Err(Closed::Waiting(waiting(settings))),
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        headers.insert("x-clickhouse-user", header_value(user)?);
        headers.insert("x-clickhouse-key", header_value(password)?);
        Ok(Self {
            uri,
            headers,
            password: password.clone(),
            async_insert: settings.async_insert,
            compress: settings.compress,
            transport: Transport::new(Version::Http1, settings.tls.clone()),
        })
    }

    /// Trusts no open connection any more.
    pub(super) fn reset(&self) {
        self.transport.reset();
    }

    /// Inserts a body of rows; when this returns they are in the table, materialized views included.
    pub(super) async fn insert(&self, plan: &Plan, body: Bytes, token: Option<u64>) -> Result<(), Failure> {
        let mut parameters = vec![
            ("query", plan.statement.clone()),
            ("async_insert", u8::from(self.async_insert).to_string()),
            ("wait_for_async_insert", "1".to_owned()),
            // A partition is a day, and a line may tell any time: beyond a hundred days in one insert all of it would fail.
            ("max_partitions_per_insert_block", "0".to_owned()),
        ];
        if let Some(token) = token {
            parameters.push(("insert_deduplication_token", format!("{token:016x}")));
            parameters.push(("async_insert_deduplicate", "1".to_owned()));
        }
        if plan.json {
            parameters.push(("input_format_binary_read_json_as_string", "1".to_owned()));
            // `a.b` beside `a: {b: ..}` is one path twice, for which the whole insert would fail.
            parameters.push(("type_json_skip_duplicated_paths", "1".to_owned()));
        }
        let mut request = self.request(&parameters, body);
        if self.compress {
            request.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("lz4"));
        }
        self.send(request).await.map(drop)
    }

    /// The columns of those of `tables` that there are.
    pub(super) async fn columns(&self, database: &str, tables: &[String]) -> Result<Vec<Column>, Failure> {
        let quoted = |name: &String| format!("'{}'", name.replace('\\', "\\\\").replace('\'', "\\'"));
        let tables: Vec<String> = tables.iter().map(quoted).collect();
        let parameters = [("param_database", database.to_owned()), ("param_tables", format!("[{}]", tables.join(",")))];
        let statement = schema::INSERTABLE.trim_end().trim_end_matches(';');
        let answer = self.send(self.request(&parameters, Bytes::from_static(statement.as_bytes()))).await?;
        let lines = answer.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let columns: Result<Vec<Column>, _> = lines.map(serde_json::from_slice).collect();
        columns.map_err(|_| Failure::Final { why: "no answer of ClickHouse's: is this its HTTP interface?".to_owned() })
    }

    fn request(&self, parameters: &[(&str, String)], body: Bytes) -> Request<Full<Bytes>> {
        let mut target = self.uri.path().to_owned();
        let mut separator = '?';
        if let Some(query) = self.uri.query() {
            target.extend(["?", query]);
            separator = '&';
        }
        for (name, value) in parameters {
            write!(target, "{separator}{name}=").expect("a String takes everything");
            encode(value, &mut target);
            separator = '&';
        }
        let mut parts = self.uri.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::try_from(target).expect("encoded"));
        let uri = Uri::from_parts(parts).expect("an endpoint is whole");
        let mut request = Request::post(uri).body(Full::new(body)).expect("the URI is one");
        *request.headers_mut() = self.headers.clone();
        request
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Bytes, Failure> {
        let now = clock::unix_now();
        let answered = match self.transport.send(request, now).await {
            Err(NoAnswer(why)) => Err(Failure::NoAnswer { why }),
            Ok(answer) => answer::judge(&answer, now).map(|()| answer.body),
        };
        answered.map_err(|failure| match failure {
            Failure::Passing { after, why } => Failure::Passing { after, why: self.told(&why) },
            Failure::NoAnswer { why } => Failure::NoAnswer { why: self.told(&why) },
            Failure::Schema { why } => Failure::Schema { why: self.told(&why) },
            Failure::Denied { why } => Failure::Denied { why: self.told(&why) },
            Failure::Final { why } => Failure::Final { why: self.told(&why) },
        })
    }

    /// With the server's name before it, and without the password.
    pub(super) fn told(&self, why: &str) -> String {
        let password = self.password.reveal();
        let why = if password.len() > 3 { why.replace(password, "***") } else { why.to_owned() };
        format!("clickhouse {}: {why}", host(&self.uri))
    }
}

/// The names of the secrets that are not known.
fn waiting(settings: &ClickHouseSettings) -> String {
    let endpoint = match &settings.endpoint {
        Some(Endpoint::Waiting(template)) => Some(template),
        _ => None,
    };
    let values = [&settings.user, &settings.password].into_iter().filter_map(|value| match value {
        Value::Waiting(template) => Some(template),
        Value::Plain(_) => None,
    });
    let names: Vec<String> = endpoint
        .into_iter()
        .chain(values)
        .flat_map(|template| template.references().map(ToString::to_string))
        .collect();
    names.join(", ")
}

/// A secret often ends in a line's end that is none of it.
fn header_value(secret: &Secret) -> Result<HeaderValue, Closed> {
    let text = secret.reveal().trim_end_matches(['\r', '\n']);
    let mut value = HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| Closed::Unusable("the user or the password has characters that no header has"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Percent-encoded, as a query has it.
fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").expect("a String takes everything"),
        }
    }
}
