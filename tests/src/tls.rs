//! TLS as servers of the tests have it: a certificate for an address, made for the occasion, that clients must be told to trust.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
    server::TlsStream,
};

/// What a server needs to speak TLS at an address.
#[derive(Clone)]
pub struct Certified {
    /// The authority that a client has to trust, as PEM.
    pub authority: String,
    acceptor: TlsAcceptor,
}

impl fmt::Debug for Certified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certified").finish_non_exhaustive()
    }
}

impl Certified {
    /// For a server at `address` that speaks HTTP/2 and HTTP/1.1.
    ///
    /// # Panics
    /// When no certificate can be made.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        const MADE: &str = "a certificate can be made";
        let mut params = CertificateParams::new(Vec::new()).expect(MADE);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect(MADE)).expect(MADE);
        let key = KeyPair::generate().expect(MADE);
        let params = CertificateParams::new(vec![address.to_string()]).expect(MADE);
        let certificate = params.signed_by(&key, &authority).expect(MADE);
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has TLS 1.2 and 1.3")
            .with_no_client_auth();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = config.with_single_cert(vec![certificate.der().clone()], key).expect("the key is its own");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self { authority: authority.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) }
    }

    /// The server's side of a handshake.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }
}

/// A port with TLS in front of one without; it ends when it is dropped.
#[derive(Debug)]
pub struct Terminator {
    /// Where it listens.
    pub address: SocketAddr,
    /// The authority that its clients have to trust, as PEM.
    pub authority: String,
    _listening: JoinSet<()>,
}

impl Terminator {
    /// In front of `plain`.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn before(plain: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let certified = Certified::at(address.ip());
        let (authority, mut listening) = (certified.authority.clone(), JoinSet::new());
        listening.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let certified = certified.clone();
                connections.spawn(async move {
                    let Ok(mut near) = certified.accept(stream).await else { return };
                    let Ok(mut far) = TcpStream::connect(plain).await else { return };
                    let _either_ended = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        Self { address, authority, _listening: listening }
    }
}
