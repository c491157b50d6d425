//! The way to ClickHouse: sockets, TLS, and a session on them.

use std::{fmt::Display, path::Path, sync::Arc, time::Duration};

use clickhouse::Client;
use hyper_rustls::ConfigBuilderExt as _;
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use lambdaview_queries::questions::{Session, Tag};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::{
    clock,
    error::Error,
    settings::{Target, usage},
};

/// Connects, and looks at what is there, on behalf of a command.
///
/// # Errors
/// When nothing answers, the user is refused, or the tables are not ClickStack's.
pub async fn open(target: &Target, command: &str) -> Result<Session, Error> {
    let tag = Tag {
        comment: format!("lambdaview/{command}"),
        query_id: format!("lambdaview-{command}-{}-{:x}", std::process::id(), clock::now()),
        limit: target.limit,
    };
    let at = target.place.clone();
    let session = Session::open(client(target)?, tag).await.map_err(|fault| Error::ClickHouse { fault, at })?;
    Ok(match &target.fn_attr {
        Some(attribute) => session.named_by(attribute.as_str()),
        None => session,
    })
}

/// A client of the server, with connections that are given up when they do not come about.
///
/// # Errors
/// When the file of certificates cannot be read.
pub fn client(target: &Target) -> Result<Client, Error> {
    let mut tcp = HttpConnector::new();
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    tcp.set_keepalive(Some(KEEPALIVE));
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let https = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(trust(target)?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    let http = HttpClient::builder(TokioExecutor::new()).pool_idle_timeout(IDLE).build(https);
    let place = &target.place;
    let client = Client::with_http_client(http).with_url(&place.url).with_database(&place.database);
    let client = client.with_product_info("lambdaview", env!("CARGO_PKG_VERSION"));
    // A password without a user is that of ClickHouse's `default`.
    let client = match (&place.user, &target.password) {
        (Some(user), _) => client.with_user(user),
        (None, Some(_)) => client.with_user("default"),
        (None, None) => client,
    };
    Ok(match &target.password {
        Some(password) => client.with_password(password.reveal()),
        None => client,
    })
}

/// The compiled-in authorities, or those that were named instead.
fn trust(target: &Target) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the compiled-in versions of TLS are supported by the compiled-in provider");
    let config = match &target.ca {
        None => config.with_webpki_roots(),
        Some(file) => config.with_root_certificates(authorities(file)?),
    };
    Ok(config.with_no_client_auth())
}

fn authorities(file: &Path) -> Result<RootCertStore, Error> {
    let unreadable = |why: &dyn Display| {
        usage(&format!("the certificates in {} cannot be read: {why}", file.display()), Some("a file in PEM"))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unreadable(&error))? {
        let certificate = certificate.map_err(|error| unreadable(&error))?;
        roots.add(certificate).map_err(|error| unreadable(&error))?;
    }
    if roots.is_empty() { Err(unreadable(&"there is none")) } else { Ok(roots) }
}

/// A server that is there answers a connection in milliseconds, across the world in half a second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const KEEPALIVE: Duration = Duration::from_secs(60);
/// Shorter than ClickHouse's own, so that no question is sent into a connection that is being closed.
const IDLE: Duration = Duration::from_secs(2);
