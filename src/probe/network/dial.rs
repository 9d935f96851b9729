//! Opens connections: names, addresses, proxies, TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;

use super::destination::Destination;
use super::proxy;
use super::stream::Stream;
use super::tcp::Tcp;
use crate::model::answer::TransportFault;
use crate::model::run::HttpVersion;

/// How long an address has before the next one of the same name is tried beside it (RFC 8305, section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Opens a connection over which requests to the destination can be sent.
pub(super) async fn dial(
    destination: &Destination,
    version: HttpVersion,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Stream, TransportFault> {
    let origin = &destination.origin;
    #[cfg(unix)]
    if let Some(path) = &destination.socket {
        return UnixStream::connect(path).await.map(Stream::Unix).map_err(|_| TransportFault::Connect);
    }
    let stream = match &destination.proxy {
        None => connect(&origin.host, origin.port).await?,
        Some(proxy) => {
            let mut stream = connect(&proxy.host, proxy.port).await.map_err(|_| TransportFault::Proxy)?;
            if destination.is_tunnelled(version) {
                proxy::tunnel(&mut stream, proxy, origin).await?;
            }
            stream
        }
    };
    let stream = Tcp::new(stream);
    let Some(config) = tls else { return Ok(Stream::Tcp(stream)) };
    let name = ServerName::try_from(origin.host.clone()).map_err(|_| TransportFault::Tls)?;
    // The handshake's own failures and a peer that hangs up in its middle are the same to a user: no TLS. Boxed, so that connections
    // without it need not hold the place for it.
    let handshake = Box::pin(TlsConnector::from(Arc::clone(config)).connect(name, stream));
    let stream = handshake.await.map_err(|_| TransportFault::Tls)?;
    if version == HttpVersion::Two && stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return Err(TransportFault::Protocol);
    }
    Ok(Stream::Tls(Box::new(stream)))
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, TransportFault> {
    // An address needs no resolver, which would cost a thread.
    let stream = match host.parse::<IpAddr>() {
        Ok(ip) => TcpStream::connect((ip, port)).await,
        Err(_) => {
            let found = tokio::net::lookup_host((host, port)).await.map_err(|_| TransportFault::Resolve)?;
            first_of(&found.collect::<Vec<SocketAddr>>()).await
        }
    };
    let stream = stream.map_err(|_| TransportFault::Connect)?;
    // A small request that waits for a delayed acknowledgement looks like a window of 40 ms.
    stream.set_nodelay(true).map_err(|_| TransportFault::Connect)?;
    Ok(stream)
}

/// The first of several addresses that can be connected to. Each has a head start before the next one, so that a family of
/// addresses that leads nowhere costs a moment and not the whole time limit.
async fn first_of(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut trying = FuturesUnordered::new();
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    let mut left = addresses.iter();
    loop {
        match left.next() {
            Some(address) => trying.push(TcpStream::connect(*address)),
            None if trying.is_empty() => return Err(failed),
            None => {}
        }
        let answered = if left.len() == 0 {
            trying.next().await
        } else {
            match tokio::time::timeout(HEAD_START, trying.next()).await {
                Ok(answered) => answered,
                Err(_) => continue,
            }
        };
        match answered {
            Some(Ok(stream)) => return Ok(stream),
            Some(Err(error)) => failed = error,
            None => {}
        }
    }
}
