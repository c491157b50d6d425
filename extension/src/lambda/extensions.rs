//! Client of the Extensions API: register, next, error reports.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde::Deserialize;

use super::connection::{Connection, ConnectionError};
use crate::flow::{
    arrival::{Invoke, NextEvent, Shutdown},
    trace::TraceContext,
};

const API: &str = "2020-01-01/extension";
const IDENTIFIER: &str = "lambda-extension-identifier";

/// What may go wrong with a call.
#[derive(Debug, thiserror::Error)]
pub enum ExtensionsError {
    /// No answer.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// An answer other than 200.
    #[error("{call} was answered {status}: {body}")]
    Status {
        /// Which call.
        call: &'static str,
        /// The status.
        status: StatusCode,
        /// The body: RIE's is not always JSON.
        body: String,
    },
    /// An answer that says something else than it should.
    #[error("{call} was answered with something else: {why}")]
    Answer {
        /// Which call.
        call: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// Which events we ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscription {
    /// INVOKE and SHUTDOWN.
    InvokeAndShutdown,
    /// SHUTDOWN alone: Managed Instances refuse INVOKE.
    Shutdown,
}

impl Subscription {
    const fn body(self) -> &'static str {
        match self {
            Self::InvokeAndShutdown => r#"{"events":["INVOKE","SHUTDOWN"]}"#,
            Self::Shutdown => r#"{"events":["SHUTDOWN"]}"#,
        }
    }
}

/// Whom the platform took us for, and what it told us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Our identifier in every later call.
    pub identifier: String,
    /// The account that owns the function; standard emulators do not say.
    pub account_id: Option<String>,
    /// The function's handler.
    pub handler: Option<String>,
}

/// The client; after [`Client::register`] it knows its identifier.
pub struct Client {
    connection: Connection,
    host: String,
    prefix: String,
    identifier: String,
}

impl Client {
    /// Of `AWS_LAMBDA_RUNTIME_API`: `host:port`, with a path behind it in some emulators.
    #[must_use]
    pub fn new(runtime_api: &str) -> Self {
        let (host, path) = runtime_api.split_once('/').unwrap_or((runtime_api, ""));
        let prefix = if path.is_empty() { String::new() } else { format!("/{}", path.trim_matches('/')) };
        Self { connection: Connection::new(host), host: host.to_owned(), prefix, identifier: String::new() }
    }

    /// Another connection with the same identifier, for calls beside a waiting `/next`.
    #[must_use]
    pub fn twin(&self) -> Self {
        Self {
            connection: Connection::new(self.host.clone()),
            host: self.host.clone(),
            prefix: self.prefix.clone(),
            identifier: self.identifier.clone(),
        }
    }

    /// Registers under `name`, which must be the name of our file in `/opt/extensions`.
    ///
    /// # Errors
    /// When the platform does not answer, or does not take us.
    pub async fn register(&mut self, name: &str, subscription: Subscription) -> Result<Registration, ExtensionsError> {
        const CALL: &str = "register";
        let headers = [
            ("lambda-extension-name", name),
            ("lambda-extension-accept-feature", "accountId"),
            ("content-type", "application/json"),
        ];
        let path = format!("/{API}/register");
        let answer =
            self.call(Method::POST, &path, &headers, Bytes::from_static(subscription.body().as_bytes())).await?;
        let answer = expect_ok(CALL, answer)?;
        let identifier = answer.headers().get(IDENTIFIER).and_then(|value| value.to_str().ok());
        let identifier =
            identifier.ok_or_else(|| ExtensionsError::Answer { call: CALL, why: "no identifier".into() })?;
        identifier.clone_into(&mut self.identifier);
        // Nothing in the body is worth failing for.
        let body: WireRegistration = serde_json::from_slice(answer.body()).unwrap_or_default();
        Ok(Registration { identifier: self.identifier.clone(), account_id: body.account_id, handler: body.handler })
    }

    /// Waits for the next event, frozen in between: without any timeout.
    ///
    /// # Errors
    /// When the platform does not answer, or with something that is no event.
    pub async fn next(&mut self) -> Result<NextEvent, ExtensionsError> {
        const CALL: &str = "next";
        let answer = self.call_identified(Method::GET, &format!("/{API}/event/next"), &[], Bytes::new()).await?;
        let answer = expect_ok(CALL, answer)?;
        let wire = serde_json::from_slice::<WireEvent>(answer.body());
        let wire = wire.map_err(|fault| ExtensionsError::Answer { call: CALL, why: fault.to_string() })?;
        wire.into_event().ok_or_else(|| ExtensionsError::Answer { call: CALL, why: "an unknown event type".into() })
    }

    /// A call that carries our identifier.
    ///
    /// # Errors
    /// When the platform does not answer.
    pub(super) async fn call_identified(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Response<Bytes>, ExtensionsError> {
        let identifier = self.identifier.clone();
        let headers = [headers, &[(IDENTIFIER, identifier.as_str())]].concat();
        self.call(method, path, &headers, body).await
    }

    async fn call(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Response<Bytes>, ExtensionsError> {
        let request =
            Request::builder().method(method).uri(format!("{}{path}", self.prefix)).header("host", &self.host);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request =
            request.body(body).map_err(|fault| ExtensionsError::Answer { call: "request", why: fault.to_string() })?;
        Ok(self.connection.exchange(request).await?)
    }
}

fn expect_ok(call: &'static str, answer: Response<Bytes>) -> Result<Response<Bytes>, ExtensionsError> {
    if answer.status() == StatusCode::OK { Ok(answer) } else { Err(status(call, &answer)) }
}

pub(super) fn status(call: &'static str, answer: &Response<Bytes>) -> ExtensionsError {
    let body = String::from_utf8_lossy(answer.body()).trim().to_owned();
    ExtensionsError::Status { call, status: answer.status(), body }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireRegistration {
    account_id: Option<String>,
    handler: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEvent {
    event_type: String,
    #[serde(default)]
    deadline_ms: u64,
    request_id: Option<String>,
    invoked_function_arn: Option<String>,
    tracing: Option<WireTracing>,
    shutdown_reason: Option<String>,
}

#[derive(Deserialize)]
struct WireTracing {
    value: Option<String>,
}

impl WireEvent {
    fn into_event(self) -> Option<NextEvent> {
        let deadline = self.deadline_ms.saturating_mul(1_000_000);
        if self.event_type.eq_ignore_ascii_case("SHUTDOWN") {
            let reason = self.shutdown_reason.unwrap_or_default().to_ascii_lowercase();
            return Some(NextEvent::Shutdown(Shutdown { reason, deadline }));
        }
        self.event_type.eq_ignore_ascii_case("INVOKE").then(|| {
            NextEvent::Invoke(Invoke {
                request_id: self.request_id.unwrap_or_default(),
                deadline,
                function_arn: self.invoked_function_arn,
                trace: self.tracing.and_then(|tracing| TraceContext::from_xray(tracing.value.as_deref()?)),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: &str) -> Option<NextEvent> {
        serde_json::from_str::<WireEvent>(json).unwrap().into_event()
    }

    #[test]
    fn an_invoke_is_read_with_and_without_its_trace() {
        let read = event(
            r#"{"eventType":"INVOKE","deadlineMs":1795376349674,"requestId":"d885070d","invokedFunctionArn":"arn:x",
            "tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1"}}"#,
        );
        let Some(NextEvent::Invoke(invoke)) = read else { panic!("{read:?}") };
        assert_eq!((invoke.request_id.as_str(), invoke.deadline), ("d885070d", 1_795_376_349_674_000_000));
        assert!(invoke.trace.is_some_and(|trace| trace.sampled));
        let bare = event(r#"{"eventType":"INVOKE","deadlineMs":1,"requestId":"d"}"#);
        assert!(matches!(bare, Some(NextEvent::Invoke(Invoke { trace: None, .. }))));
    }

    #[test]
    fn a_shutdown_reason_is_read_in_any_case_and_kept_when_it_is_new() {
        for (wire, reason) in
            [("SPINDOWN", "spindown"), ("Timeout", "timeout"), ("SandboxTerminated", "sandboxterminated")]
        {
            let read = event(&format!(r#"{{"eventType":"SHUTDOWN","deadlineMs":5,"shutdownReason":"{wire}"}}"#));
            assert_eq!(read, Some(NextEvent::Shutdown(Shutdown { reason: reason.into(), deadline: 5_000_000 })));
        }
    }

    #[test]
    fn an_event_of_another_type_is_none() {
        assert_eq!(event(r#"{"eventType":"HIBERNATE"}"#), None);
    }

    #[test]
    fn a_path_behind_the_address_goes_before_every_call() {
        let client = Client::new("127.0.0.1:19100/.rt");
        assert_eq!((client.host.as_str(), client.prefix.as_str()), ("127.0.0.1:19100", "/.rt"));
        assert_eq!(Client::new("127.0.0.1:9001").prefix, "");
    }
}
