//! TLS as the settings have it: ring, compiled-in roots, more of them, a client certificate, or no check at all.

use crate::{
    config::{Tls, Verify},
    secrets::Value,
};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use std::sync::Arc;

/// Why TLS cannot be had with these settings. None of them carries what a PEM holds.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsError {
    #[error("the TLS settings wait for a secret")]
    Waiting,
    #[error("the CA's PEM holds no certificate that can be read")]
    Authority,
    #[error("the client certificate or its key cannot be read")]
    Identity,
    #[error("the client certificate and its key do not fit")]
    Mismatch(#[source] rustls::Error),
}

/// A client's configuration that offers `alpn`.
pub(super) fn client(tls: &Tls, alpn: &[u8]) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("ring has TLS 1.2 and 1.3");
    let builder = match tls.verify {
        Verify::Full => builder.with_root_certificates(roots(tls)?),
        Verify::Skip => builder.dangerous().with_custom_certificate_verifier(Arc::new(Unverified(provider))),
    };
    let mut config = match &tls.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let chain = certificates(&identity.certificate)?.ok_or(TlsError::Identity)?;
            let key = PrivateKeyDer::from_pem_slice(pem(&identity.key)?.as_bytes()).map_err(|_| TlsError::Identity)?;
            builder.with_client_auth_cert(chain, key).map_err(TlsError::Mismatch)?
        }
    };
    config.alpn_protocols.push(alpn.to_vec());
    Ok(config)
}

fn roots(tls: &Tls) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(ca) = &tls.ca {
        for certificate in certificates(ca)?.ok_or(TlsError::Authority)? {
            roots.add(certificate).map_err(|_| TlsError::Authority)?;
        }
    }
    Ok(roots)
}

/// The certificates of a PEM; `None` when it has none, or one that cannot be read.
fn certificates(value: &Value) -> Result<Option<Vec<CertificateDer<'static>>>, TlsError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem(value)?.as_bytes()).collect();
    Ok(certificates.ok().filter(|certificates| !certificates.is_empty()))
}

/// The text of a PEM; one that came through an environment variable on one line gets its line ends back.
fn pem(value: &Value) -> Result<String, TlsError> {
    match value {
        Value::Waiting(_) => Err(TlsError::Waiting),
        Value::Plain(text) => Ok(text.reveal().replace("\\n", "\n")),
    }
}

/// Takes any certificate, as `TLS_SKIP_VERIFY` asks; the handshake's signatures are looked at all the same.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
