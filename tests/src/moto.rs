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

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("content-type", "application/json");
/// The version of IAM's interface, which every request of it names.
const IAM: &str = "Version=2010-05-08";

/// A function to be made.
#[derive(Clone, Debug)]
pub struct Function<'a> {
    /// Its name, and its role's.
    pub name: &'a str,
    /// `x86_64` or `arm64`.
    pub architecture: &'a str,
    /// ARNs of its layers.
    pub layers: &'a [String],
    /// Its variables.
    pub variables: Value,
    /// Its tags.
    pub tags: Value,
}

/// A request.
struct Ask<'a> {
    service: &'a str,
    method: Method,
    path: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
}

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

    /// Makes a function with a role of its own name.
    pub async fn function(&self, region: &str, function: &Function<'_>) {
        let Function { name, architecture, layers, variables, tags } = function;
        let role =
            format!("Action=CreateRole&RoleName={name}&Path=/service-role/&AssumeRolePolicyDocument=%7B%7D&{IAM}");
        self.send(region, Ask { service: "iam", method: Method::POST, path: "/", headers: &[FORM], body: &role }).await;
        // An archive without a file in it; moto never opens it.
        const EMPTY_ZIP: &str = "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==";
        let wanted = json!({
            "FunctionName": name, "Runtime": "python3.13", "Handler": "app.handler", "Code": {"ZipFile": EMPTY_ZIP},
            "Role": format!("arn:aws:iam::{ACCOUNT}:role/service-role/{name}"), "Architectures": [architecture],
            "Layers": layers, "Environment": {"Variables": variables}, "Tags": tags,
        });
        self.send(
            region,
            Ask {
                service: "lambda",
                method: Method::POST,
                path: "/2015-03-31/functions",
                headers: &[JSON],
                body: &wanted.to_string(),
            },
        )
        .await;
    }

    /// A function as `GetFunction` gives it.
    pub async fn configured(&self, region: &str, name: &str) -> Value {
        self.send(
            region,
            Ask {
                service: "lambda",
                method: Method::GET,
                path: &format!("/2015-03-31/functions/{name}"),
                headers: &[],
                body: "",
            },
        )
        .await
        .json()
    }

    /// Publishes a version of a layer that holds nothing of use, and gives its ARN.
    pub async fn layer(&self, region: &str, name: &str) -> String {
        let wanted = json!({"Content": {"ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}});
        let path = format!("/2018-10-31/layers/{name}/versions");
        let made = self
            .send(
                region,
                Ask {
                    service: "lambda",
                    method: Method::POST,
                    path: &path,
                    headers: &[JSON],
                    body: &wanted.to_string(),
                },
            )
            .await
            .json();
        made["LayerVersionArn"].as_str().expect("an ARN").to_owned()
    }

    /// How many versions a layer has.
    pub async fn layer_versions(&self, region: &str, name: &str) -> usize {
        let path = format!("/2018-10-31/layers/{name}/versions");
        let listed = self
            .send(region, Ask { service: "lambda", method: Method::GET, path: &path, headers: &[], body: "" })
            .await
            .json();
        listed["LayerVersions"].as_array().map_or(0, Vec::len)
    }

    /// The names of a role's own policies, as IAM's XML has them.
    pub async fn role_policies(&self, region: &str, role: &str) -> String {
        let body = format!("Action=ListRolePolicies&RoleName={role}&{IAM}");
        self.send(region, Ask { service: "iam", method: Method::POST, path: "/", headers: &[FORM], body: &body })
            .await
            .text()
    }

    async fn send(&self, region: &str, Ask { service, method, path, headers, body }: Ask<'_>) -> wire::Reply {
        let authorization = authorization(region, service);
        let mut all = vec![("authorization", authorization.as_str())];
        all.extend(headers);
        let reply =
            wire::send(self.address, method, path, &all, body).await.unwrap_or_else(|why| panic!("{path}: {why}"));
        assert!(reply.status.is_success(), "{path}: {}", reply.text());
        reply
    }

    async fn call(&self, region: &str, service: &str, operation: &str, body: &Value) -> Value {
        let target = if service == "ssm" { "AmazonSSM" } else { service };
        let target = format!("{target}.{operation}");
        let headers = [("x-amz-target", target.as_str()), ("content-type", "application/x-amz-json-1.1")];
        self.send(region, Ask { service, method: Method::POST, path: "/", headers: &headers, body: &body.to_string() })
            .await
            .json()
    }
}

/// moto reads of a signature only whose it is.
fn authorization(region: &str, service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20261124/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

/// The address that it says it listens on.
fn listening(said: &str) -> Option<SocketAddr> {
    let (_, rest) = said.split_once("Running on http://")?;
    rest.split_once(['\n', '\r'])?.0.trim().parse().ok()
}
