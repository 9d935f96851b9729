//! Addresses: the target's own, and those that its replies hand out.

use url::Url;

use crate::model::redaction::{SHORTEST_SECRET, without_query};
use crate::model::secret_names::STRUCK;

use super::template::Template;

/// Where the target lives: scheme, host, port, and perhaps a path that all its endpoints share.
#[derive(Debug, Clone)]
pub(super) struct Base {
    /// Without a slash at the end.
    text: String,
    /// With one, so that relative addresses are resolved below it.
    folder: Url,
}

/// A base address as it may be shown. What a path takes from the environment may be what lets its bearer in, as in the addresses of
/// web hooks; a host is not a secret.
#[derive(Debug, Clone)]
pub(super) struct ShownBase {
    pub(super) text: String,
    /// What is not shown of it, whole and by segments.
    pub(super) secrets: Vec<String>,
}

/// Segments that say nothing by themselves.
const USUAL_SEGMENTS: [&str; 21] = [
    "hooks",
    "webhook",
    "webhooks",
    "services",
    "service",
    "tenant",
    "tenants",
    "jobs",
    "rest",
    "public",
    "internal",
    "external",
    "graphql",
    "rpc",
    "staging",
    "prod",
    "production",
    "status",
    "latest",
    "test",
    "beta",
];

impl ShownBase {
    /// How an address that was read from this template is shown.
    pub(super) fn of(base: &Base, template: &Template) -> ShownBase {
        let whole = template.fill(|_| String::new());
        let path = whole.find("://").and_then(|scheme| whole[scheme + 3..].find('/').map(|at| scheme + 3 + at));
        let Some(path) = path else { return ShownBase { text: base.text.clone(), secrets: Vec::new() } };
        let mut shown = base.origin().ascii_serialization();
        let mut secrets = Vec::new();
        let mut at = path;
        for place in template.environment_places().into_iter().filter(|place| place.end > path) {
            let start = place.start.max(path);
            let value = whole[start..place.end].trim_matches('/');
            // `/api/v1` is not a secret, and a short one is none either.
            if value.split('/').all(|segment| segment.len() < SHORTEST_SECRET) {
                continue;
            }
            shown.push_str(&whole[at..start]);
            if whole[start..].starts_with('/') {
                shown.push('/');
            }
            shown.push_str(STRUCK);
            at = place.end;
            secrets.push(value.to_owned());
            let telling = |segment: &&str| segment.len() >= SHORTEST_SECRET && !USUAL_SEGMENTS.contains(segment);
            secrets.extend(value.split('/').filter(telling).map(str::to_owned));
        }
        if secrets.is_empty() {
            return ShownBase { text: base.text.clone(), secrets };
        }
        shown.push_str(&whole[at..]);
        ShownBase { text: shown.trim_end_matches('/').to_owned(), secrets }
    }
}

/// Why a request has no address to go to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// A path with an id in it is not a path any more.
    #[error("the path {path:?} cannot be sent as it stands: it has control characters or dot segments")]
    Path {
        /// The path with its holes filled.
        path: String,
    },
    /// The text is not an address.
    #[error("{address:?} is not an address: {problem}")]
    Unreadable {
        /// The text.
        address: String,
        /// What the parser says of it.
        problem: String,
    },
    /// A handed-out address leads to another server.
    #[error("the address {address} leaves the target's origin; allow it by `follow_other_origins = true`")]
    LeavesOrigin {
        /// The address.
        address: String,
    },
    /// A handed-out address is not for HTTP, or has a user and password in it.
    #[error("the address {address:?} is not followed: {problem}")]
    Hostile {
        /// The address.
        address: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Whether a handed-out address may lead to another origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OtherOrigins {
    Forbidden,
    FollowedWithoutCredentials,
}

/// A handed-out address, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) url: Url,
    pub(super) leaves_origin: bool,
}

impl Base {
    /// Reads a base address; the error is a fragment for the author of the file.
    pub(super) fn read(text: &str) -> Result<Base, String> {
        if let Some(socket) = text.strip_prefix("unix:") {
            if !socket.starts_with('/') || socket.ends_with('/') {
                return Err("a Unix socket is named by its whole path: unix:/run/jobs.sock".to_owned());
            }
            // Requests on a socket name a host all the same, by custom this one.
            let folder = Url::parse("http://localhost/").map_err(|error| format!("not an address: {error}"))?;
            return Ok(Base { text: text.to_owned(), folder });
        }
        let url = Url::parse(text).map_err(|error| format!("not an address: {error}"))?;
        if !is_http(&url) {
            return Err("only http://, https:// and unix:/path can be probed".to_owned());
        }
        if has_credentials(&url) {
            return Err("credentials do not belong in an address; send them as a header".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("a base address has neither a query nor a fragment".to_owned());
        }
        let text = url.as_str().trim_end_matches('/').to_owned();
        let folder = Url::parse(&format!("{text}/")).map_err(|error| format!("not an address: {error}"))?;
        Ok(Base { text, folder })
    }

    /// The address as text, without a slash at the end.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port.
    pub(super) fn origin(&self) -> url::Origin {
        self.folder.origin()
    }

    /// The address of a path of the target's own, which begins with a slash.
    pub(super) fn path(&self, path: &str) -> Result<String, AddressError> {
        // Most paths are such, and parsing one takes as long as all else that makes a request.
        let is_plain = path.bytes().all(stays_as_it_is);
        let segments = path.split(['?', '#']).next().unwrap_or_default();
        // An address parser would drop or resolve these in silence, and another scan would be asked for.
        if (!is_plain && path.contains(char::is_control)) || segments.split(['/', '\\']).any(is_dots) {
            return Err(AddressError::Path { path: path.to_owned() });
        }
        let address = [self.folder.as_str().trim_end_matches('/'), path].concat();
        if is_plain {
            return Ok(address);
        }
        let mut url = Url::parse(&address).map_err(|error| AddressError::Unreadable { address, problem: error.to_string() })?;
        url.set_fragment(None);
        Ok(url.into())
    }

    /// The address that a reply handed out, absolute or relative to the base.
    pub(super) fn resolve(&self, handed_out: &str, others: OtherOrigins) -> Result<Resolved, AddressError> {
        let mut url = self
            .folder
            .join(handed_out)
            .map_err(|error| AddressError::Unreadable { address: shortened(handed_out), problem: error.to_string() })?;
        let hostile = |problem| AddressError::Hostile { address: shortened(handed_out), problem };
        if !is_http(&url) {
            return Err(hostile("it is neither http nor https"));
        }
        if has_credentials(&url) {
            return Err(hostile("it has a user name or password in it"));
        }
        url.set_fragment(None);
        let leaves_origin = url.origin() != self.folder.origin();
        if leaves_origin && others == OtherOrigins::Forbidden {
            return Err(AddressError::LeavesOrigin { address: shortened(url.as_str()) });
        }
        Ok(Resolved { url, leaves_origin })
    }
}

/// Whether a segment means the folder it stands in, or the one above.
fn is_dots(segment: &str) -> bool {
    let mut dots = 0;
    let mut rest = segment.as_bytes();
    while let [b'.', after @ ..] | [b'%', b'2', b'e' | b'E', after @ ..] = rest {
        dots += 1;
        rest = after;
    }
    rest.is_empty() && (dots == 1 || dots == 2)
}

/// Whether an address parser leaves a byte of a path or a query alone (WHATWG URL, the path and query percent-encode sets).
fn stays_as_it_is(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&()*+,;=:@/?".contains(&byte)
}

fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Enough of a hostile text to recognise it by. What signs an address, or lets its bearer in, stands in its query.
fn shortened(text: &str) -> String {
    const ENOUGH: usize = 200;
    let text = &without_query(text);
    match text.char_indices().nth(ENOUGH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
