//! Requests: an endpoint's templates with their holes filled.

use std::fmt;

use http::{HeaderName, HeaderValue, Method};
use url::form_urlencoded;

use crate::model::exchange::Kind;
use crate::model::secret_names::is_credential;

use super::address::{AddressError, Base};
use super::captured::{About, Captured};
use super::json::JsonTemplate;
use super::template::{Template, Variable};

/// What fills the holes, apart from an id and a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    /// `{n}`: the scan's number.
    pub n: u64,
    /// `{uuid}`: a text that no other scan has had, by custom a version 4 UUID as 32 hex digits.
    pub uuid: String,
    /// A number that no other request of this scan has had; it makes cache-busting addresses unique.
    pub nonce: u64,
    /// How many requests of its kind this scan has sent before: which of several addresses is asked.
    pub turn: u32,
    /// What earlier replies gave.
    pub captured: Captured,
}

/// A request, ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// The headers, each name once, each value sendable.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// Whether it goes to another origin than the target's, and therefore without the user's headers.
    pub leaves_origin: bool,
    /// Whether the cookies of its scan go along.
    pub cookies: bool,
}

/// Header values and bodies may be secrets, so they are not shown.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .field("leaves_origin", &self.leaves_origin)
            .field("cookies", &self.cookies)
            .finish()
    }
}

/// Why a request could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// There is no address to send it to.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A value has characters that no header may have.
    #[error("the header `{name}` would have characters that no header may have")]
    Header {
        /// The header.
        name: String,
    },
    /// The scan's address was to be followed, and none was handed out.
    #[error("the initiate's answer handed out no address to follow")]
    NotHandedOut,
    /// The endpoint has no path of its own, and no address is known that could be followed.
    #[error("the target file gives no path to ask about a scan that was never accepted")]
    NoPath,
    /// A reply has not given a value that the request needs.
    #[error("`{{{name}}}` is not known: no reply has given it yet")]
    NotCaptured {
        /// Its name in the target file.
        name: String,
    },
    /// The target file has no such user.
    #[error("the target file has no user `{0}`")]
    NoUser(String),
}

/// The method of requests to an endpoint for which the target file gives none.
pub(crate) fn usual_method(kind: Kind) -> Method {
    match kind {
        Kind::Initiate | Kind::Repeat | Kind::Cancel | Kind::Setup | Kind::Login => Method::POST,
        Kind::Update => Method::PATCH,
        Kind::Delete => Method::DELETE,
        _ => Method::GET,
    }
}

/// Headers with holes, each name once.
pub(super) type Headers = Vec<(HeaderName, Template)>;

/// What is asked of an endpoint, and as whom.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) method: Method,
    /// `None` only where addresses are followed instead.
    pub(super) path: Option<Template>,
    pub(super) headers: Headers,
    pub(super) user: String,
    pub(super) body: Body,
    /// Where it lives, if not where all others do; several are asked by turns.
    pub(super) bases: Vec<Base>,
    /// Whether the scan's cookies go along.
    pub(super) cookies: bool,
}

/// A body with holes.
#[derive(Debug, Clone)]
pub(super) enum Body {
    None,
    Json(JsonTemplate),
    Form(Vec<(String, Template)>),
    Text(Template),
}

/// How values are written into a text of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As they are: headers and raw bodies.
    Plain,
    /// With what no address carries percent-encoded.
    Address,
    /// As parts of JSON strings.
    Json,
    /// As form fields.
    Form,
}

/// What fills the holes of one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filling<'a> {
    pub(super) variables: &'a Variables,
    pub(super) user: &'a str,
    /// Empty where none is known; templates that would need it were refused when the file was read.
    pub(super) id: &'a str,
}

impl Filling<'_> {
    fn value(&self, variable: Variable) -> String {
        if variable == Variable::User { self.user.to_owned() } else { About::scan(self.id, self.variables).value(variable) }
    }

    pub(super) fn fill(&self, template: &Template) -> String {
        template.fill(|variable| self.value(variable))
    }

    /// The same for a path, in which what was captured is percent-encoded.
    pub(super) fn fill_path(&self, template: &Template) -> String {
        let about = About::scan(self.id, self.variables);
        template.fill(|variable| if variable == Variable::User { self.user.to_owned() } else { about.in_path(variable) })
    }
}

impl Endpoint {
    /// The address that this request is for.
    pub(super) fn base<'a>(&'a self, usual: &'a Base, turn: u32) -> &'a Base {
        match self.bases.len() {
            0 => usual,
            several => &self.bases[turn as usize % several],
        }
    }

    /// The places of the captured values that its own texts name.
    pub(super) fn captures(&self) -> impl Iterator<Item = u8> {
        self.templates().flat_map(Template::variables).filter_map(Variable::capture)
    }

    /// The request to the endpoint's own path.
    pub(super) fn at_path(&self, base: &Base, user: &Headers, filling: Filling<'_>) -> Result<Request, RequestError> {
        let path = self.path.as_ref().ok_or(RequestError::NoPath)?;
        let url = self.base(base, filling.variables.turn).path(&filling.fill_path(path))?;
        Ok(Request {
            method: self.method.clone(),
            url,
            headers: self.filled_headers(user, filling)?,
            body: self.filled_body(filling),
            leaves_origin: false,
            cookies: self.cookies,
        })
    }

    /// The request to an address on the target's own origin that a reply handed out.
    pub(super) fn at_address(&self, url: String, user: &Headers, filling: Filling<'_>) -> Result<Request, RequestError> {
        Ok(Request {
            method: self.method.clone(),
            url,
            headers: self.filled_headers(user, filling)?,
            body: self.filled_body(filling),
            leaves_origin: false,
            cookies: self.cookies,
        })
    }

    /// The request to an address on another origin: nothing that could be a credential goes along.
    pub(super) fn abroad(&self, url: String, filling: Filling<'_>) -> Result<Request, RequestError> {
        let mut harmless = self.clone();
        harmless.headers.retain(|(name, value)| !is_credential(name.as_str()) && value.environment_values().next().is_none());
        if harmless.body.templates().iter().any(|template| template.environment_values().next().is_some()) {
            harmless.body = Body::None;
        }
        Ok(Request { leaves_origin: true, cookies: false, ..harmless.at_address(url, &Vec::new(), filling)? })
    }

    /// Whether a request to it depends on which scan is asked for: by its id, or by the text that is its own.
    pub(super) fn names_the_scan(&self) -> bool {
        self.templates().any(|template| template.variables().any(|variable| variable.is_id() || variable.is_fresh()))
    }

    /// Whether a request to it depends on who asks, apart from the user's headers.
    pub(super) fn names_the_user(&self) -> bool {
        self.templates().any(|template| template.variables().any(|variable| variable == Variable::User))
    }

    /// Everything in it that has holes.
    pub(super) fn templates(&self) -> impl Iterator<Item = &Template> {
        self.path.iter().chain(self.headers.iter().map(|(_, value)| value)).chain(self.body.templates())
    }

    /// The user's headers, then the endpoint's, which win; and the body's type where nobody gave one.
    fn filled_headers(&self, user: &Headers, filling: Filling<'_>) -> Result<Vec<(String, String)>, RequestError> {
        let mut headers: Vec<(String, String)> = Vec::new();
        for (name, value) in user.iter().chain(&self.headers) {
            let value = filling.fill(value);
            if HeaderValue::from_str(&value).is_err() {
                return Err(RequestError::Header { name: name.to_string() });
            }
            headers.retain(|(earlier, _)| earlier != name.as_str());
            headers.push((name.to_string(), value));
        }
        if let Some(content_type) = self.body.content_type()
            && !headers.iter().any(|(name, _)| name == "content-type")
        {
            headers.push(("content-type".to_owned(), content_type.to_owned()));
        }
        Ok(headers)
    }

    fn filled_body(&self, filling: Filling<'_>) -> Vec<u8> {
        match &self.body {
            Body::None => Vec::new(),
            Body::Json(json) => json.fill(&|variable| filling.value(variable)),
            Body::Form(fields) => form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields.iter().map(|(name, value)| (name, filling.fill(value))))
                .finish()
                .into_bytes(),
            Body::Text(text) => filling.fill(text).into_bytes(),
        }
    }
}

impl Body {
    pub(super) fn encoding(&self) -> Encoding {
        match self {
            Body::None | Body::Text(_) => Encoding::Plain,
            Body::Json(_) => Encoding::Json,
            Body::Form(_) => Encoding::Form,
        }
    }

    fn content_type(&self) -> Option<&'static str> {
        match self {
            Body::None | Body::Text(_) => None,
            Body::Json(_) => Some("application/json"),
            Body::Form(_) => Some("application/x-www-form-urlencoded"),
        }
    }

    pub(super) fn templates(&self) -> Vec<&Template> {
        match self {
            Body::None => Vec::new(),
            Body::Json(json) => json.templates(),
            Body::Form(fields) => fields.iter().map(|(_, value)| value).collect(),
            Body::Text(text) => vec![text],
        }
    }
}
