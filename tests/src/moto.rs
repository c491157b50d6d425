//! moto: Secrets Manager and Parameter Store as a real HTTP server, one for all tests of a process.
//!
//! Its errors for what is forbidden are not AWS's own; for those there is [`recorded_aws`](crate::recorded_aws).

use crate::{
    function::python::Python,
    until::{GENEROUS, until},
    watchdog, wire,
};
use http::Method;
use serde_json::{Value, json};
use std::{
    fs,
    net::SocketAddr,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// Its account, whoever asks.
pub const ACCOUNT: &str = "123456789012";

/// Runs moto for as long as there is somebody at the other end of its own input: not longer than we live, however we end.
const SCRIPT: &str = r#""$0" -H 127.0.0.1 -p 0 >"$1" 2>&1 </dev/null & moto=$!; cat; kill -KILL "$moto""#;

/// The running server.
#[derive(Debug)]
pub struct Moto {
    address: SocketAddr,
    _shell: Child,
    _folder: TempDir,
}

impl Moto {
    /// The server that this process's tests share, started by the first who asks.
    ///
    /// # Panics
    /// When it cannot be had; the message says what to do.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Moto> = OnceCell::const_new();
        let _told = watchdog::waits_for("moto");
        SHARED.get_or_init(Self::start).await
    }

    async fn start() -> Self {
        let python = tokio::task::spawn_blocking(Python::with_moto).await.expect("it does not panic");
        let python = python.unwrap_or_else(|error| panic!("no moto for the tests: {error}"));
        let folder = tempfile::tempdir().expect("a folder");
        let said = folder.path().join("said");
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT]).arg(python.executable().with_file_name("moto_server")).arg(&said).process_group(0);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let shell = shell.spawn().expect("a shell can be started");
        let address = until("moto listens", GENEROUS * 2, || async {
            let said = fs::read_to_string(&said).unwrap_or_default();
            listening(&said).ok_or(said)
        })
        .await;
        Self { address, _shell: shell, _folder: folder }
    }

    /// What `AWS_ENDPOINT_URL` is to be.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes a secret and gives its ARN.
    pub async fn secret(&self, region: &str, name: &str, value: &str) -> String {
        let wanted = json!({"Name": name, "SecretString": value});
        self.call(region, "secretsmanager", "CreateSecret", &wanted).await["ARN"].as_str().expect("an ARN").to_owned()
    }

    /// Gives a secret a new value, as its rotation does.
    pub async fn rotate(&self, region: &str, arn: &str, value: &str) {
        let change = json!({"SecretId": arn, "SecretString": value});
        self.call(region, "secretsmanager", "PutSecretValue", &change).await;
    }

    /// Makes a parameter, or its next version, and gives its ARN.
    pub async fn parameter(&self, region: &str, name: &str, value: &str) -> String {
        let made = json!({"Name": name, "Value": value, "Type": "SecureString", "Overwrite": true});
        self.call(region, "ssm", "PutParameter", &made).await;
        format!("arn:aws:ssm:{region}:{ACCOUNT}:parameter/{}", name.trim_start_matches('/'))
    }

    async fn call(&self, region: &str, service: &str, operation: &str, body: &Value) -> Value {
        let target = if service == "ssm" { "AmazonSSM" } else { service };
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=test/20261124/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        let headers = [
            ("x-amz-target", format!("{target}.{operation}")),
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("authorization", authorization),
        ];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let reply = wire::send(self.address, Method::POST, "/", &headers, &body.to_string()).await;
        let reply = reply.unwrap_or_else(|why| panic!("{operation}: {why}"));
        assert!(reply.status.is_success(), "{operation}: {}", reply.text());
        reply.json()
    }
}

/// The address that it says it listens on.
fn listening(said: &str) -> Option<SocketAddr> {
    let (_, rest) = said.split_once("Running on http://")?;
    rest.split_once(['\n', '\r'])?.0.trim().parse().ok()
}
