//! Ports of this machine: free ones, taken ones, and whether ClickHouse answers on one.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use super::{EngineError, io_error};

/// More than ClickHouse's answer to a ping: a server that is another may talk without end.
const ANSWER_BYTES: u64 = 4 << 10;
const PATIENCE: Duration = Duration::from_secs(1);

/// `wanted` itself when nobody listens on it, a free port when it is 0.
pub(super) fn free(wanted: u16) -> Result<u16, EngineError> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)).and_then(|listener| listener.local_addr()) {
        Ok(address) => Ok(address.port()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(EngineError::PortTaken { port: wanted }),
        Err(error) => Err(io_error(|| format!("could not listen on port {wanted} of 127.0.0.1"))(error)),
    }
}

/// Whether a ClickHouse says `Ok.` on this port.
pub(super) fn answers_ping(port: u16) -> bool {
    ping(port).is_ok_and(|answer| answer.starts_with("HTTP/1.") && answer.ends_with("Ok.\n"))
}

fn ping(port: u16) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /ping HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES).read_to_string(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_somebody_listens_on_is_taken() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(matches!(free(port), Err(EngineError::PortTaken { port: taken }) if taken == port));
    }

    #[test]
    fn zero_is_a_port_of_its_own() {
        assert_ne!(free(0).unwrap(), 0);
    }

    #[test]
    fn a_server_that_is_not_clickhouse_does_not_answer_the_ping() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"HTTP/1.0 404 Not Found\r\n\r\n").unwrap();
        });
        assert!(!answers_ping(port));
        server.join().unwrap();
    }
}
