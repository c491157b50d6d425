//! One HTTP/1.1 connection to the Runtime API, opened when needed and again when the platform closed it.

use std::io;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// What may go wrong between us and the Runtime API.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// No connection.
    #[error("cannot connect to the runtime api at {address}")]
    Connect {
        /// Where it should listen.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// The connection broke, or spoke something other than HTTP.
    #[error("the runtime api did not answer")]
    Exchange(#[from] hyper::Error),
}

type Body = Full<Bytes>;

struct Open {
    sender: http1::SendRequest<Body>,
    driver: http1::Connection<TokioIo<TcpStream>, Body>,
}

/// The connection, open or not.
pub struct Connection {
    address: String,
    open: Option<Open>,
}

impl Connection {
    /// To `address`, `host:port`; a path behind it (as `cargo lambda` has) belongs to the request, not to us.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Self { address: address.into(), open: None }
    }

    /// Sends `request` and reads the whole answer; waits as long as it takes.
    ///
    /// An idle connection may have died while the environment was frozen: what fails on an old one is tried on a new one.
    ///
    /// # Errors
    /// When there is no connection, or no answer on a new one.
    pub async fn exchange(&mut self, request: Request<Bytes>) -> Result<Response<Bytes>, ConnectionError> {
        if let Some(open) = self.open.take().filter(|open| !open.sender.is_closed())
            && let Ok(answer) = self.exchange_on(open, request.clone()).await
        {
            return Ok(answer);
        }
        let open = self.connect().await?;
        Ok(self.exchange_on(open, request).await?)
    }

    async fn connect(&self) -> Result<Open, ConnectionError> {
        let failed = |source| ConnectionError::Connect { address: self.address.clone(), source };
        let stream = TcpStream::connect(&self.address).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
        Ok(Open { sender, driver })
    }

    async fn exchange_on(&mut self, mut open: Open, request: Request<Bytes>) -> Result<Response<Bytes>, hyper::Error> {
        let answer = {
            let answer = receive(&mut open.sender, request.map(Full::new));
            tokio::pin!(answer);
            tokio::select! {
                biased;
                answer = &mut answer => answer?,
                // The driver ends first when the platform closes behind its answer: the answer is in by then.
                _ = &mut open.driver => answer.await?,
            }
        };
        if !open.sender.is_closed() {
            self.open = Some(open);
        }
        Ok(answer)
    }
}

async fn receive(
    sender: &mut http1::SendRequest<Body>,
    request: Request<Body>,
) -> Result<Response<Bytes>, hyper::Error> {
    let (parts, body) = sender.send_request(request).await?.into_parts();
    Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    /// Answers one request on each connection and closes it.
    async fn answer_and_close(listener: TcpListener, times: usize) {
        for nth in 0..times {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{nth}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_connection_that_the_platform_closed_is_opened_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut connection = Connection::new(listener.local_addr().unwrap().to_string());
        let client = async {
            let mut bodies = Vec::new();
            for _ in 0..3 {
                let request = Request::get("/").header("host", "x").body(Bytes::new()).unwrap();
                bodies.push(connection.exchange(request).await.unwrap().into_body());
            }
            bodies
        };
        let ((), bodies) = tokio::join!(answer_and_close(listener, 3), client);
        assert_eq!(bodies, ["0", "1", "2"]);
    }

    #[tokio::test]
    async fn nobody_listening_is_a_connect_error() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let request = Request::get("/").body(Bytes::new()).unwrap();
        let error = Connection::new(address).exchange(request).await.unwrap_err();
        assert!(matches!(error, ConnectionError::Connect { .. }), "{error:?}");
    }
}
