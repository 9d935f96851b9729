//! An ordinary HTTP client, for what is not measured: reqwest with a pool of its own, as anybody's application has it.
//!
//! In go requests, out come whole answers or the reason why there is none. It knows nothing of scans, stamps and scenarios. The probe
//! opens and times its own connections, because that is what is measured; whatever else is asked for goes through here. Of the other
//! rooms it may name only `model` and `target`.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::call::{Answered, Call};
use crate::model::events;
use crate::target::Request;

/// More of a body is not read: nothing that is looked for stands behind that.
const LONGEST_BODY: usize = 1 << 20;

/// How many redirects are followed where they are.
const MOST_REDIRECTS: usize = 5;

/// What a client does with an answer that leads elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirects {
    /// Follows it: for documents.
    Followed,
    /// Takes it for the answer: the first one is what the target's contract speaks of.
    Taken,
}

/// How a client is set up.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Whom it trusts.
    pub tls: rustls::ClientConfig,
    /// The longest that an exchange may take.
    pub timeout: Duration,
    /// What it does with redirects.
    pub redirects: Redirects,
    /// The Unix socket that all requests go to, whatever their host.
    pub socket: Option<PathBuf>,
}

/// The client. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::Client,
}

/// Why a client cannot be set up, or has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It cannot be set up.
    #[error("cannot set up the HTTP client")]
    Setup(#[source] reqwest::Error),
    /// The request cannot be sent as it is.
    #[error("the request cannot be sent: {0}")]
    Request(&'static str),
    /// No answer within the time limit.
    #[error("no answer within the time limit")]
    Timeout,
    /// There is none: the innermost reason, which is what a person can act on.
    #[error("{0}")]
    NoAnswer(String),
}

impl Client {
    /// Sets a client up. It sends nothing twice: what the first answer was is what matters.
    pub fn new(options: ClientOptions) -> Result<Client, ClientError> {
        let redirects = match options.redirects {
            Redirects::Followed => reqwest::redirect::Policy::limited(MOST_REDIRECTS),
            Redirects::Taken => reqwest::redirect::Policy::none(),
        };
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(options.tls)
            .redirect(redirects)
            .retry(reqwest::retry::never())
            .timeout(options.timeout)
            .user_agent(concat!("statusgap/", env!("CARGO_PKG_VERSION")));
        #[cfg(unix)]
        if let Some(socket) = options.socket {
            builder = builder.unix_socket(socket);
        }
        Ok(Client { inner: builder.build().map_err(ClientError::Setup)? })
    }

    /// Sends a request, and waits for the whole answer.
    pub async fn send(&self, call: &Call) -> Result<Answered, ClientError> {
        let method = reqwest::Method::from_bytes(call.method.as_bytes()).map_err(|_| ClientError::Request("it has no HTTP method"))?;
        self.exchange(method, &call.url, &call.headers, call.body.as_ref().map(|body| body.clone().into_bytes())).await
    }

    /// The same for a request that was made from a target file.
    pub async fn ask(&self, request: &Request) -> Result<Answered, ClientError> {
        let body = (!request.body.is_empty()).then(|| request.body.clone());
        self.exchange(request.method.clone(), &request.url, &request.headers, body).await
    }

    async fn exchange(
        &self,
        method: reqwest::Method,
        url: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Result<Answered, ClientError> {
        let mut request = self.inner.request(method, url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let mut answer = request.send().await.map_err(|error| why(&error))?;
        let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let http = answer.status().as_u16();
        let kind = answer.headers().get(reqwest::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let is_stream = kind.is_some_and(events::is_stream);
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| why(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST_BODY {
                body.truncate(LONGEST_BODY);
                break;
            }
            // A stream may never end; its first event is the answer.
            if is_stream && events::end_of_first(&body).is_some() {
                break;
            }
        }
        Ok(Answered { http, headers, body })
    }
}

/// What caused an error. One of input and output hands out its own cause's cause, and passes over what it holds.
fn within<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e (dyn std::error::Error + 'static)> {
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(held) => Some(held),
        None => error.source(),
    }
}

/// What answers there has no idea of TLS.
const NO_TLS: &str = "what answers there speaks no TLS: is it http:// instead of https://?";

/// The innermost cause. reqwest's own text has the address with its query, in which a credential may stand.
fn why(error: &reqwest::Error) -> ClientError {
    if error.is_timeout() {
        return ClientError::Timeout;
    }
    if error.is_builder() {
        return ClientError::Request("its address or a header has characters that cannot be sent");
    }
    if error.is_redirect() {
        return ClientError::NoAnswer("too many redirects".to_owned());
    }
    let mut cause: &(dyn std::error::Error + 'static) = error;
    while let Some(deeper) = within(cause) {
        cause = deeper;
    }
    let is_plain = matches!(cause.downcast_ref(), Some(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)));
    ClientError::NoAnswer(if is_plain { NO_TLS.to_owned() } else { cause.to_string() })
}
