//! How requests travel: through proxies, with certificates, within limits, and with nothing that should not leave.
//!
//! Everything is real: sockets on the loopback, TLS with certificates made for the test, a proxy that tunnels.

use crate::support::driven;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::{get, post};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use statusgap::model::answer::{Answer, TransportFault};
use statusgap::model::exchange::{Exchange, Kind};
use statusgap::model::run::{HttpVersion, Journal};
use statusgap::probe::{Certificates, Clock, Network, NetworkError, NetworkOptions, Pem, Proxies, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const STATUS: &str = "path = '/jobs/{id}'\nstate = { pointer = '/state' }\nstates = { running = ['busy'] }";

fn target(base_url: &str, status: &str) -> String {
    format!(
        "name = 'canned'\nbase_url = '{base_url}'\nunknown_id = 'never-{{uuid}}'\n[initiate]\npath = '/jobs'\njson = {{ n = '{{n}}' }}\n\
         id = {{ pointer = '/id' }}\n[status]\n{status}\n"
    )
}

/// One scan, polled twice, over the connections that are named.
async fn run(base_url: &str, target: &str, connection: &str, options: NetworkOptions) -> Journal {
    let scenario = driven::scenario(&format!(
        "[load]\nscans = 1\n[polls]\noffsets = ['0s', '1ms']\nconnection = '{connection}'\nfillers = 0\n[controls]\nunknown_id = 0"
    ));
    let target = Arc::new(driven::target(target));
    let network = Transport::Network(Network::with(base_url, options).expect("a way to the target"));
    let clock = Clock::real().expect("a kernel timer");
    driven::journal(&target, network, &clock, &scenario, driven::options(1)).await
}

fn polls(journal: &Journal) -> Vec<&Exchange> {
    journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::Poll).collect()
}

fn answers(journal: &Journal) -> Vec<Answer> {
    journal.exchanges.iter().map(|exchange| exchange.answer).collect()
}

fn faults(journal: &Journal) -> Vec<Option<TransportFault>> {
    journal.exchanges.iter().map(|exchange| exchange.fault).collect()
}

const SEEN: [Answer; 3] = [Answer::Accepted, Answer::Visible, Answer::Visible];

/// A service that accepts every job.
fn jobs() -> Router {
    Router::new()
        .route("/jobs", post(|| async { (StatusCode::ACCEPTED, r#"{"id":"j-1"}"#) }))
        .route("/jobs/{id}", get(|| async { r#"{"state":"busy"}"# }))
}

/// A server on a free port; each connection is given to `serve`. It ends with the handle.
async fn listen<F: Future<Output = ()> + Send + 'static>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> (u16, Ended) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    (port, Ended(serving))
}

/// Ends a task when it is dropped.
struct Ended(JoinHandle<()>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Reads a request's head, and what came with it.
async fn head(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 1024];
    while !bytes.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut chunk).await {
            Ok(length) if length > 0 => bytes.extend_from_slice(&chunk[..length]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Answers every request on a connection by its path, with the rest of what is given for a poll.
async fn answer(mut stream: TcpStream, poll: &'static [u8]) {
    loop {
        let asked = head(&mut stream).await;
        let reply: &[u8] = match asked.as_bytes().first() {
            Some(b'P') => b"HTTP/1.1 202 Accepted\r\nContent-Length: 12\r\n\r\n{\"id\":\"j-1\"}",
            Some(_) => poll,
            None => return,
        };
        if stream.write_all(reply).await.is_err() {
            return;
        }
    }
}

/// An authority, and a server and a client that it vouches for.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("good names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate") }
    }

    fn pem(&self) -> Pem {
        Pem { file: "authority.pem".into(), text: self.issuer.pem().into_bytes() }
    }

    fn certificate(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a good name");
        (params.signed_by(&key, &self.issuer).expect("a certificate"), key)
    }

    /// What a server needs to be `name`; with `clients`, it wants to see a certificate of this authority.
    fn server(&self, name: &str, clients: Clients, alpn: &[u8]) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let builder = builder.expect("ring's versions");
        let builder = match clients {
            Clients::Anybody => builder.with_no_client_auth(),
            Clients::OfThisAuthority => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(CertificateDer::from(self.issuer.der().to_vec())).expect("a certificate");
                let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.expect("a verifier"))
            }
        };
        let (certificate, key) = self.certificate(name);
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let mut config = builder.with_single_cert(vec![certificate.der().clone()], key).expect("a certificate with its key");
        config.alpn_protocols = vec![alpn.to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

#[derive(Clone, Copy)]
enum Clients {
    Anybody,
    OfThisAuthority,
}

/// Serves jobs over TLS.
async fn encrypted(acceptor: TlsAcceptor) -> (u16, Ended) {
    listen(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = TowerToHyperService::new(jobs());
            // How a connection ends is the client's business.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        }
    })
    .await
}

fn trusting(authority: &Authority) -> NetworkOptions {
    NetworkOptions {
        certificates: Certificates { authorities: Some(authority.pem()), ..Certificates::default() },
        ..NetworkOptions::default()
    }
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_when_it_is_named_and_only_then() {
    let authority = Authority::new();
    let (port, _server) = encrypted(authority.server("localhost", Clients::Anybody, b"http/1.1")).await;
    let base_url = format!("https://localhost:{port}");
    let trusted = run(&base_url, &target(&base_url, STATUS), "fresh", trusting(&authority)).await;
    assert_eq!(answers(&trusted), SEEN, "{:?}", faults(&trusted));
    let untrusted = run(&base_url, &target(&base_url, STATUS), "fresh", NetworkOptions::default()).await;
    assert_eq!(faults(&untrusted), [Some(TransportFault::Tls)]);
    let by_another_name = format!("https://127.0.0.1:{port}");
    let misnamed = run(&by_another_name, &target(&by_another_name, STATUS), "fresh", trusting(&authority)).await;
    assert_eq!(faults(&misnamed), [Some(TransportFault::Tls)], "the certificate is for another name");
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_the_target() {
    let authority = Authority::new();
    let (port, _server) = encrypted(authority.server("localhost", Clients::OfThisAuthority, b"http/1.1")).await;
    let base_url = format!("https://localhost:{port}");
    let (certificate, key) = authority.certificate("prober");
    let both = format!("{}{}", certificate.pem(), key.serialize_pem());
    let pem = |text: String| Some(Pem { file: "client.pem".into(), text: text.into_bytes() });
    for (client, client_key) in [(pem(both), None), (pem(certificate.pem()), pem(key.serialize_pem()))] {
        let mut options = trusting(&authority);
        options.certificates.client = client;
        options.certificates.client_key = client_key;
        let known = run(&base_url, &target(&base_url, STATUS), "keep-alive", options).await;
        assert_eq!(answers(&known), SEEN, "{:?}", faults(&known));
    }
    let unknown = run(&base_url, &target(&base_url, STATUS), "fresh", trusting(&authority)).await;
    assert_eq!(faults(&unknown), [Some(TransportFault::Tls)]);
}

#[tokio::test]
async fn a_file_without_certificates_is_refused_by_its_name() {
    let options = NetworkOptions {
        certificates: Certificates {
            authorities: Some(Pem { file: "notes.txt".into(), text: b"hello".to_vec() }),
            ..Certificates::default()
        },
        ..NetworkOptions::default()
    };
    let error = Network::with("https://localhost", options).expect_err("no certificates");
    assert!(error.to_string().contains("notes.txt"), "{error}");
}

/// A proxy that writes down what it is asked, and leads every tunnel to one port.
async fn proxy(leads_to: u16) -> (u16, Arc<Mutex<Vec<String>>>, Ended) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    let (port, server) = listen(move |mut stream| {
        let noted = Arc::clone(&noted);
        async move {
            let asked = head(&mut stream).await;
            let is_tunnel = asked.starts_with("CONNECT");
            noted.lock().expect("no panic").push(asked.clone());
            let Ok(mut onward) = TcpStream::connect(("127.0.0.1", leads_to)).await else { return };
            let begun = if is_tunnel {
                stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await
            } else {
                onward.write_all(asked.as_bytes()).await
            };
            if begun.is_ok() {
                // Either side may hang up first.
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut onward).await;
            }
        }
    })
    .await;
    (port, asked, server)
}

#[tokio::test]
async fn http_goes_through_the_proxy_in_the_absolute_form_with_its_credentials() {
    let (server, _serving) = listen(|stream| answer(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"state\":\"busy\"}")).await;
    let (port, asked, _proxying) = proxy(server).await;
    let proxies = Proxies { http: Some(format!("http://ann:s3cret@127.0.0.1:{port}")), ..Proxies::default() };
    let base_url = "http://jobs.test";
    let journal = run(base_url, &target(base_url, STATUS), "fresh", NetworkOptions { proxies, ..NetworkOptions::default() }).await;
    assert_eq!(answers(&journal), SEEN, "{:?}", faults(&journal));
    let asked = asked.lock().expect("no panic");
    assert!(asked[0].starts_with("POST http://jobs.test/jobs HTTP/1.1\r\n"), "{}", asked[0]);
    assert!(asked.iter().all(|asked| asked.contains("proxy-authorization: Basic YW5uOnMzY3JldA==")), "{asked:?}");
}

#[tokio::test]
async fn https_goes_through_a_tunnel_that_does_not_see_the_request() {
    let authority = Authority::new();
    let (server, _serving) = encrypted(authority.server("jobs.test", Clients::Anybody, b"http/1.1")).await;
    let (port, asked, _proxying) = proxy(server).await;
    let proxies = Proxies { https: Some(format!("http://ann:s3cret@127.0.0.1:{port}")), ..Proxies::default() };
    let base_url = "https://jobs.test";
    let journal = run(base_url, &target(base_url, STATUS), "fresh", NetworkOptions { proxies, ..trusting(&authority) }).await;
    assert_eq!(answers(&journal), SEEN, "{:?}", faults(&journal));
    let asked = asked.lock().expect("no panic");
    assert!(asked.iter().all(|asked| asked.starts_with("CONNECT jobs.test:443 HTTP/1.1\r\n")), "{asked:?}");
}

#[tokio::test]
async fn a_proxy_that_says_no_is_told_as_that() {
    let (port, _server) = listen(|mut stream| async move {
        head(&mut stream).await;
        // The client may have gone.
        let _ = stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
    })
    .await;
    let base_url = "https://jobs.test";
    for proxies in [
        Proxies { https: Some(format!("http://127.0.0.1:{port}")), ..Proxies::default() },
        Proxies { all: Some("http://127.0.0.1:1".into()), ..Proxies::default() },
    ] {
        let journal = run(base_url, &target(base_url, STATUS), "fresh", NetworkOptions { proxies, ..NetworkOptions::default() }).await;
        assert_eq!(faults(&journal), [Some(TransportFault::Proxy)]);
    }
}

#[tokio::test]
async fn this_machine_is_never_reached_through_a_proxy() {
    let (server, _serving) = listen(|stream| answer(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"state\":\"busy\"}")).await;
    let proxies = Proxies { all: Some("http://127.0.0.1:1".into()), ..Proxies::default() };
    for host in ["127.0.0.1", "localhost"] {
        let base_url = format!("http://{host}:{server}");
        let options = NetworkOptions { proxies: proxies.clone(), ..NetworkOptions::default() };
        let journal = run(&base_url, &target(&base_url, STATUS), "fresh", options).await;
        assert_eq!(answers(&journal), SEEN, "{host}: {:?}", faults(&journal));
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_refused_without_telling_its_password() {
    for address in ["socks5://ann:s3cret@127.0.0.1:1080", "https://ann:s3cret@proxy.test", "http://ann:s3cret@:bad"] {
        let proxies = Proxies { all: Some(address.into()), ..Proxies::default() };
        let refused = Network::with("http://jobs.test", NetworkOptions { proxies, ..NetworkOptions::default() });
        let error = refused.expect_err(address);
        assert!(matches!(error, NetworkError::Proxy) && !format!("{error} {error:?}").contains("s3cret"), "{error}");
    }
    let proxies = Proxies { all: Some("socks5://127.0.0.1:1".into()), none_for: Some("jobs.test".into()), ..Proxies::default() };
    assert!(Network::with("http://sub.jobs.test", NetworkOptions { proxies, ..NetworkOptions::default() }).is_ok(), "not needed here");
}

/// Serves jobs over HTTP/2 and counts connections.
async fn http2(connections: Arc<AtomicUsize>, acceptor: Option<TlsAcceptor>) -> (u16, Ended) {
    listen(move |stream| {
        connections.fetch_add(1, Ordering::Relaxed);
        let acceptor = acceptor.clone();
        async move {
            let service = TowerToHyperService::new(jobs());
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            // How a connection ends is the client's business.
            let _ = match acceptor {
                None => builder.serve_connection(TokioIo::new(stream), service).await,
                Some(acceptor) => {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    builder.serve_connection(TokioIo::new(stream), service).await
                }
            };
        }
    })
    .await
}

#[tokio::test]
async fn http2_has_a_connection_for_each_fresh_exchange_and_one_for_all_kept_ones() {
    let authority = Authority::new();
    for scheme in ["http", "https"] {
        for (connection, expected) in [("fresh", 3), ("keep-alive", 1)] {
            let connections = Arc::new(AtomicUsize::new(0));
            let acceptor = (scheme == "https").then(|| authority.server("localhost", Clients::Anybody, b"h2"));
            let (port, _server) = http2(Arc::clone(&connections), acceptor).await;
            let base_url = format!("{scheme}://localhost:{port}");
            let options = NetworkOptions { version: HttpVersion::Two, ..trusting(&authority) };
            let journal = run(&base_url, &target(&base_url, STATUS), connection, options).await;
            assert_eq!(answers(&journal), SEEN, "{scheme}, {connection}: {:?}", faults(&journal));
            assert_eq!(connections.load(Ordering::Relaxed), expected, "{scheme}, {connection}");
            let new: Vec<_> = journal.exchanges.iter().map(|exchange| exchange.new_conn).collect();
            assert_eq!(new, [Some(true), Some(expected == 3), Some(expected == 3)], "{scheme}, {connection}");
        }
    }
}

#[tokio::test]
async fn a_server_without_http2_is_no_http2() {
    let (server, _serving) = listen(|stream| answer(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")).await;
    let base_url = format!("http://127.0.0.1:{server}");
    let options = NetworkOptions { version: HttpVersion::Two, ..NetworkOptions::default() };
    let journal = run(&base_url, &target(&base_url, STATUS), "fresh", options).await;
    assert_eq!(faults(&journal), [Some(TransportFault::Protocol)]);
}

#[tokio::test]
async fn each_time_limit_that_runs_out_has_a_name_of_its_own() {
    const SHORT: Duration = Duration::from_millis(50);
    // Accepts, and never speaks.
    let (silent, _silent) = listen(|stream| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let usual = NetworkOptions::default();
    let impatient = |port: u16, scheme: &str, options: NetworkOptions| {
        let base_url = format!("{scheme}://127.0.0.1:{port}");
        async move { faults(&run(&base_url, &target(&base_url, STATUS), "fresh", options).await) }
    };
    let connecting = impatient(silent, "https", NetworkOptions { connect_limit: Some(SHORT), ..usual.clone() }).await;
    assert_eq!(connecting, [Some(TransportFault::ConnectTimeout)]);
    let waiting = impatient(silent, "http", NetworkOptions { first_byte_limit: Some(SHORT), ..usual.clone() }).await;
    assert_eq!(waiting, [Some(TransportFault::FirstByteTimeout)]);

    let (dripping, _dripping) = listen(|mut stream| async move {
        head(&mut stream).await;
        // The client may have gone.
        let _ = stream.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n{").await;
        std::future::pending::<()>().await;
    })
    .await;
    let base_url = format!("http://127.0.0.1:{dripping}");
    let scenario = driven::scenario("[load]\nscans = 1\n[polls]\noffsets = ['0s']\n[controls]\nunknown_id = 0");
    let target = Arc::new(driven::target(&target(&base_url, STATUS)));
    let network = Transport::Network(Network::with(&base_url, usual).expect("a way"));
    let options = statusgap::probe::Options { timeout: SHORT, ..driven::options(1) };
    let journal = driven::journal(&target, network, &Clock::real().expect("a kernel timer"), &scenario, options).await;
    assert_eq!(faults(&journal), [Some(TransportFault::Timeout)]);
    assert!(journal.exchanges[0].first_byte.is_some(), "the head had come");
}

#[tokio::test]
async fn heads_are_bounded_in_size_and_in_number() {
    static LARGE: std::sync::LazyLock<Vec<u8>> =
        std::sync::LazyLock::new(|| format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 0\r\n\r\n", "x".repeat(200_000)).into_bytes());
    static MANY: std::sync::LazyLock<Vec<u8>> =
        std::sync::LazyLock::new(|| format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", "X: y\r\n".repeat(200)).into_bytes());
    for (name, reply) in [("a large head", LARGE.as_slice()), ("many headers", MANY.as_slice())] {
        let (server, _serving) = listen(move |stream| answer(stream, reply)).await;
        let base_url = format!("http://127.0.0.1:{server}");
        let journal = run(&base_url, &target(&base_url, STATUS), "fresh", NetworkOptions::default()).await;
        let faults: Vec<_> = polls(&journal).iter().map(|poll| poll.fault).collect();
        assert_eq!(faults, [Some(TransportFault::Protocol); 2], "{name}");
    }
}

#[tokio::test]
async fn a_compressed_answer_is_not_unpacked() {
    // `{"state":"busy"}` by gzip 1.12
    const PACKED: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03";
    let (server, _serving) = listen(|stream| answer(stream, PACKED)).await;
    let base_url = format!("http://127.0.0.1:{server}");
    let journal = run(&base_url, &target(&base_url, STATUS), "fresh", NetworkOptions::default()).await;
    assert!(polls(&journal).iter().all(|poll| poll.answer == Answer::Malformed), "{:?}", answers(&journal));
}

#[tokio::test]
async fn requests_say_whose_they_are() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    let router = jobs().layer(axum::middleware::map_request(move |request: Request| {
        noted.lock().expect("no panic").push(request.headers().clone());
        async move { request }
    }));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let base_url = format!("http://{}", listener.local_addr().expect("an address"));
    let _server = Ended(tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") }));
    let named = NetworkOptions { run_id: Some("r-7".into()), user_agent: "ops/1".into(), ..NetworkOptions::default() };
    run(&base_url, &target(&base_url, STATUS), "fresh", named).await;
    let text = |headers: &axum::http::HeaderMap, name: &str| headers.get(name).map(|value| value.to_str().expect("ASCII").to_owned());
    for headers in asked.lock().expect("no panic").drain(..) {
        assert_eq!(text(&headers, "x-statusgap-run").as_deref(), Some("r-7"));
        assert_eq!(text(&headers, "user-agent").as_deref(), Some("ops/1"));
        assert_eq!(text(&headers, "accept-encoding").as_deref(), Some("identity"));
    }
    run(&base_url, &target(&base_url, STATUS), "fresh", NetworkOptions::default()).await;
    for headers in asked.lock().expect("no panic").drain(..) {
        assert_eq!(text(&headers, "x-statusgap-run"), None);
        assert_eq!(text(&headers, "user-agent").as_deref(), Some(concat!("statusgap/", env!("CARGO_PKG_VERSION"))));
    }
}

#[tokio::test]
async fn an_address_on_another_origin_that_is_allowed_sees_no_credentials() {
    let stranger = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/j-1"))
        .respond_with(ResponseTemplate::new(200).set_body_string(r#"{"state":"busy"}"#))
        .mount(&stranger)
        .await;
    let server = MockServer::start().await;
    let accepted =
        ResponseTemplate::new(202).set_body_json(serde_json::json!({ "id": "j-1", "poll_url": format!("{}/j-1", stranger.uri()) }));
    Mock::given(method("POST")).and(path("/jobs")).respond_with(accepted).mount(&server).await;
    let status = "follow = { pointer = '/poll_url' }\nfollow_other_origins = true";
    let text = format!("{}[users.owner]\nheaders = {{ Authorization = 'Bearer secret-token' }}\n", target(&server.uri(), status));
    for connection in ["fresh", "keep-alive"] {
        let journal = run(&server.uri(), &text, connection, NetworkOptions::default()).await;
        assert_eq!(answers(&journal), SEEN, "{connection}: {:?}", faults(&journal));
    }
    let seen = stranger.received_requests().await.expect("requests are kept");
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().all(|request| !format!("{:?}", request.headers).contains("secret-token")), "{seen:?}");
}

#[tokio::test]
async fn a_kept_connection_that_the_server_closed_is_opened_anew() {
    // Answers one request on each connection, and says nothing of closing it.
    let (server, _serving) = listen(|mut stream| async move {
        let asked = head(&mut stream).await;
        let reply: &[u8] = if asked.starts_with("POST") {
            b"HTTP/1.1 202 Accepted\r\nContent-Length: 12\r\n\r\n{\"id\":\"j-1\"}"
        } else {
            b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"state\":\"busy\"}"
        };
        // The client may have gone.
        let _ = stream.write_all(reply).await;
    })
    .await;
    let base_url = format!("http://127.0.0.1:{server}");
    let target = Arc::new(driven::target(&target(&base_url, STATUS)));
    for connection in ["keep-alive", "pooled"] {
        let scenario = driven::scenario(&format!(
            "[load]\nscans = 1\n[polls]\noffsets = ['200ms', '400ms']\nconnection = '{connection}'\nfillers = 0\n[controls]\nunknown_id = 0",
        ));
        let network = Transport::Network(Network::new(&base_url).expect("a way"));
        let journal = driven::journal(&target, network, &Clock::real().expect("a kernel timer"), &scenario, driven::options(1)).await;
        assert_eq!(answers(&journal), SEEN, "{connection}: {:?}", faults(&journal));
        assert!(journal.exchanges.iter().all(|exchange| exchange.new_conn == Some(true)), "{connection}");
    }
}

#[tokio::test]
async fn a_pool_carries_scan_after_scan_on_as_many_connections_as_are_needed_at_once() {
    let opened = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&opened);
    let (server, _serving) = listen(move |stream| {
        counted.fetch_add(1, Ordering::Relaxed);
        answer(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"state\":\"busy\"}")
    })
    .await;
    let base_url = format!("http://127.0.0.1:{server}");
    let target = Arc::new(driven::target(&target(&base_url, STATUS)));
    let scenario = driven::scenario(
        "[load]\nscans = 20\nmodel = 'closed'\nin_flight = 1\n[polls]\noffsets = ['1ms', '2ms']\nconnection = 'pooled'\nfillers = 0\n\
         [controls]\nunknown_id = 0",
    );
    let network = Transport::Network(Network::new(&base_url).expect("a way"));
    let journal = driven::journal(&target, network, &Clock::real().expect("a kernel timer"), &scenario, driven::options(1)).await;
    assert_eq!(journal.exchanges.len(), 60);
    assert!(journal.exchanges.iter().all(Exchange::was_answered), "{:?}", faults(&journal));
    // The two polls of a scan meet if an answer takes a millisecond, and then need two.
    let new = journal.exchanges.iter().filter(|exchange| exchange.new_conn == Some(true)).count();
    assert!((1..=2).contains(&new), "{new} connections were opened for one scan at a time");
    assert_eq!(opened.load(Ordering::Relaxed), new);
}

#[tokio::test]
async fn no_connection_outlives_the_run() {
    let open = Arc::new(AtomicUsize::new(0));
    let (all_closed, mut told) = tokio::sync::mpsc::unbounded_channel();
    let counted = Arc::clone(&open);
    let (server, _serving) = listen(move |stream| {
        counted.fetch_add(1, Ordering::Relaxed);
        let (counted, all_closed) = (Arc::clone(&counted), all_closed.clone());
        async move {
            answer(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"state\":\"busy\"}").await;
            counted.fetch_sub(1, Ordering::Relaxed);
            // Nobody listens when the test has ended.
            let _ = all_closed.send(());
        }
    })
    .await;
    let base_url = format!("http://127.0.0.1:{server}");
    for connection in ["fresh", "keep-alive", "pre-opened"] {
        let journal = run(&base_url, &target(&base_url, STATUS), connection, NetworkOptions::default()).await;
        assert!(journal.exchanges.iter().all(Exchange::was_answered), "{connection}: {:?}", faults(&journal));
        // The network still exists, and holds nothing; the server learns of it in its own time.
        while open.load(Ordering::Relaxed) > 0 {
            tokio::time::timeout(Duration::from_secs(20), told.recv()).await.expect("the connections are closed");
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_is_a_target_like_any_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("jobs.sock");
    let listener = tokio::net::UnixListener::bind(&socket).expect("a socket");
    let _server = Ended(tokio::spawn(async move { axum::serve(listener, jobs()).await.expect("it serves") }));
    let base_url = format!("unix:{}", socket.display());
    for connection in ["fresh", "keep-alive"] {
        let journal = run(&base_url, &target(&base_url, STATUS), connection, NetworkOptions::default()).await;
        assert_eq!(answers(&journal), SEEN, "{:?}", faults(&journal));
    }
}

#[tokio::test]
async fn an_address_of_ip_version_6_is_one() {
    let Ok(listener) = TcpListener::bind(("::1", 0)).await else {
        return crate::support::skip::skipped("this machine has no IPv6");
    };
    let base_url = format!("http://[::1]:{}", listener.local_addr().expect("an address").port());
    let _server = Ended(tokio::spawn(async move { axum::serve(listener, jobs()).await.expect("it serves") }));
    let journal = run(&base_url, &target(&base_url, STATUS), "fresh", NetworkOptions::default()).await;
    assert_eq!(answers(&journal), SEEN, "{:?}", faults(&journal));
}

/// Everything below a folder, in one text.
fn written(folder: &std::path::Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let bytes = if path.is_dir() { written(&path).into_bytes() } else { std::fs::read(&path).expect("a file") };
        text.push_str(&String::from_utf8_lossy(&bytes));
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn no_output_tells_a_secret_though_the_target_repeats_them_all() {
    // Says everything back that it was told: in the body, in the state, in headers that are recorded.
    let (echo, _echoing) = listen(|mut stream| async move {
        let asked = head(&mut stream).await;
        let told: Vec<&str> = asked.lines().filter(|line| line.to_ascii_lowercase().contains("authorization")).collect();
        let told = told.join(" ");
        let body = if asked.starts_with("POST") { r#"{"id":"j-1"}"#.to_owned() } else { format!(r#"{{"state":"{told}"}}"#) };
        let code = if asked.contains("00ff") { 404 } else { 200 };
        let reply = format!(
            "HTTP/1.1 {code} X\r\nX-Worker: {told}\r\nVia: {told}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        // The client may have gone.
        let _ = stream.write_all(reply.as_bytes()).await;
    })
    .await;
    let (port, asked, _proxying) = proxy(echo).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = format!(
        "{}[users.owner]\nheaders = {{ Authorization = 'Bearer ${{JOBS_TOKEN}}' }}\n",
        target("http://jobs.test", "path = '/jobs/{id}'\nstate = { pointer = '/state' }")
    );
    std::fs::write(folder.path().join("target.toml"), file).expect("a target file");
    let scenario =
        "name = 'x'\ntitle = 't'\nsource = 's'\n[load]\nscans = 1\n[polls]\noffsets = ['0s']\nfillers = 0\n[controls]\nunknown_id = 1";
    std::fs::write(folder.path().join("x.toml"), scenario).expect("a scenario");
    for format in ["table", "markdown", "json"] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_statusgap"));
        command.current_dir(folder.path()).args(["run", "x.toml", "--target", "target.toml", "--out", "out", "--format", format]);
        command.env("JOBS_TOKEN", "owner-token-7").env("HTTP_PROXY", format!("http://ann:proxy-s3cret@127.0.0.1:{port}"));
        let output = command.output().expect("the binary runs");
        let told = format!(
            "{}{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
            written(&folder.path().join("out"))
        );
        assert!(told.contains("[secret]"), "{format}: nothing was repeated\n{told}");
        for secret in ["owner-token-7", "proxy-s3cret", "YW5uOnByb3h5LXMzY3JldA"] {
            assert!(!told.contains(secret), "{format} tells {secret}:\n{told}");
        }
    }
    let asked = asked.lock().expect("no panic").join("\n");
    assert!(asked.contains("owner-token-7") && asked.contains("YW5uOnByb3h5LXMzY3JldA"), "the secrets were used: {asked}");
}
