//! AWS's services as they answer in the cases that moto does not have: what is forbidden, in AWS's own JSON; no answer at all;
//! the end of the connection in place of one. Answers are recorded shapes of the real services, not a service.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{net::TcpListener, task::JoinSet};

/// What the server does with one request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// This JSON, with this status.
    Json(u16, Value),
    /// Nothing, for ever.
    Never,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `secretsmanager.GetSecretValue` and its like; the path where there is none.
    pub target: String,
    /// `authorization`, or nothing.
    pub authorization: String,
    /// The body.
    pub body: Value,
}

type Script = Box<dyn Fn(&Asked) -> Answer + Send + Sync>;

/// The listening server; it ends when it is dropped.
pub struct RecordedAws {
    address: SocketAddr,
    shared: Arc<Shared>,
    _server: JoinSet<()>,
}

struct Shared {
    script: Mutex<Script>,
    asked: Mutex<Vec<Asked>>,
}

impl fmt::Debug for RecordedAws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedAws").field("address", &self.address).finish_non_exhaustive()
    }
}

impl RecordedAws {
    /// A server that answers as `script` says.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared { script: Mutex::new(Box::new(script)), asked: Mutex::default() });
        let service = Router::new().fallback(answer).with_state(shared.clone());
        let mut server = JoinSet::new();
        server.spawn(async move {
            let _never_ends = axum::serve(listener, service).await;
        });
        Self { address, shared, _server: server }
    }

    /// From now on it answers as `script` says.
    ///
    /// # Panics
    /// When a script panicked before.
    pub fn now(&self, script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) {
        *self.shared.script.lock().expect("no script panics") = Box::new(script);
    }

    /// What `AWS_ENDPOINT_URL` is to be.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far.
    ///
    /// # Panics
    /// When a script panicked.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().expect("no script panics").clone()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: http::Uri, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let asked = Asked {
        target: text("x-amz-target").unwrap_or_else(|| uri.path().to_owned()),
        authorization: text("authorization").unwrap_or_default(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    };
    let answer = (shared.script.lock().expect("no script panics"))(&asked);
    shared.asked.lock().expect("no script panics").push(asked);
    match answer {
        Answer::Json(status, body) => {
            let status = StatusCode::from_u16(status).expect("a status");
            (status, [("content-type", "application/x-amz-json-1.1")], body.to_string()).into_response()
        }
        Answer::Never => std::future::pending().await,
    }
}

/// What IAM says to whoever may not `action` on `resource`.
#[must_use]
pub fn denied(action: &str, resource: &str) -> Answer {
    let message = format!(
        "User: arn:aws:sts::123456789012:assumed-role/orders/orders is not authorized to perform: {action} on resource: \
         {resource} because no identity-based policy allows the {action} action"
    );
    Answer::Json(400, json!({"__type": "AccessDeniedException", "Message": message}))
}

/// One secret, as GetSecretValue gives it.
#[must_use]
pub fn secret(arn: &str, value: &str) -> Answer {
    Answer::Json(
        200,
        json!({
            "ARN": arn, "Name": "key", "VersionId": "a1b2c3d4-5678-90ab-cdef-EXAMPLE11111", "SecretString": value,
            "VersionStages": ["AWSCURRENT"], "CreatedDate": 1_795_376_349.123,
        }),
    )
}
