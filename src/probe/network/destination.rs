//! Where a request goes: an origin, and perhaps a proxy before it.

use std::net::IpAddr;
use std::path::PathBuf;

use http::HeaderValue;
use http::uri::{PathAndQuery, Uri};

use crate::model::run::HttpVersion;

/// What connections to one place have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Destination {
    pub(super) origin: Origin,
    pub(super) proxy: Option<Proxy>,
    /// The Unix socket on which the origin listens, instead of a port.
    pub(super) socket: Option<PathBuf>,
}

/// Scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) scheme: Scheme,
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
}

/// What a request asks for, and of which host.
#[derive(Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) authority: HeaderValue,
    pub(super) path: PathAndQuery,
}

/// How the addresses at one origin begin, as they are usually written.
#[derive(Debug)]
pub(super) struct Front {
    /// Up to the path.
    text: String,
    authority: HeaderValue,
}

/// Whether connections are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

/// A proxy, and what it wants to be told.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) authorization: Option<HeaderValue>,
}

/// The authorization is a secret.
impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

/// The address at a base URL, and the Unix socket to which it leads if it is written `unix:/path/to/socket`: requests name a host there
/// all the same.
fn taken_apart(base_url: &str) -> (&str, Option<&str>) {
    match base_url.strip_prefix("unix:") {
        Some(socket) => ("http://localhost", Some(socket)),
        None => (base_url, None),
    }
}

impl Destination {
    /// Where a base URL leads, before any proxy: `http://…`, `https://…`, or `unix:/path/to/socket`.
    pub(super) fn of_base(base_url: &str) -> Option<Destination> {
        let (address, socket) = taken_apart(base_url);
        Some(Destination { origin: Origin::of(&address.parse().ok()?)?, proxy: None, socket: socket.map(PathBuf::from) })
    }

    /// Whether the proxy only passes bytes on: always, unless it can read the requests and speaks the same HTTP.
    pub(super) fn is_tunnelled(&self, version: HttpVersion) -> bool {
        self.origin.scheme == Scheme::Https || version == HttpVersion::Two
    }
}

impl Origin {
    /// The origin of an address; `None` if it is not one for HTTP.
    pub(super) fn of(uri: &Uri) -> Option<Origin> {
        let (scheme, usual) = match uri.scheme_str()? {
            "http" => (Scheme::Http, 80),
            "https" => (Scheme::Https, 443),
            _ => return None,
        };
        let host = uri.host().filter(|host| !host.is_empty())?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        Some(Origin { scheme, host: host.to_owned(), port: uri.port_u16().unwrap_or(usual) })
    }

    /// Whether this machine is meant.
    pub(super) fn is_loopback(&self) -> bool {
        let name = self.host.strip_suffix('.').unwrap_or(&self.host);
        name.eq_ignore_ascii_case("localhost") || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl Asked {
    /// What stands in an address.
    pub(super) fn of(uri: &Uri) -> Option<Asked> {
        let authority = HeaderValue::from_str(uri.authority()?.as_str()).ok()?;
        Some(Asked { authority, path: uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")) })
    }
}

impl Front {
    /// The front of what is at a base URL.
    pub(super) fn of_base(base_url: &str) -> Option<Front> {
        let uri: Uri = taken_apart(base_url).0.parse().ok()?;
        let Asked { authority, .. } = Asked::of(&uri)?;
        Some(Front { text: format!("{}://{}", uri.scheme_str()?, uri.authority()?), authority })
    }

    /// What an address asks for if it begins like this: then it need not be taken apart.
    pub(super) fn asked(&self, url: &str) -> Option<Asked> {
        // Without the slash the authority goes on, and is another one.
        let path = url.strip_prefix(&self.text).filter(|path| path.starts_with('/'))?;
        Some(Asked { authority: self.authority.clone(), path: PathAndQuery::try_from(path).ok()? })
    }
}

/// Whether a base URL names this machine.
pub fn is_loopback(base_url: &str) -> bool {
    Destination::of_base(base_url).is_some_and(|destination| destination.origin.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::{Asked, Front, is_loopback};

    #[test]
    fn loopback_is_told_by_the_host_alone() {
        for (url, expected) in [
            ("http://127.0.0.1:8080", true),
            ("http://127.8.9.10/x", true),
            ("http://localhost/api", true),
            ("https://[::1]:9/", true),
            ("http://example.com/127.0.0.1", false),
            ("http://localhost@example.com/", false),
            ("http://localhost.example.com/", false),
            ("http://10.0.0.1/", false),
            ("unix:/run/jobs.sock", true),
        ] {
            assert_eq!(is_loopback(url), expected, "{url}");
        }
    }

    #[test]
    fn an_address_that_begins_as_at_home_asks_for_what_its_parser_says() {
        for (base, url, at_home) in [
            ("http://127.0.0.1:80/api", "http://127.0.0.1:80/api/jobs/7?x=1", true),
            ("http://127.0.0.1:80", "http://127.0.0.1:80/", true),
            ("https://[::1]:9", "https://[::1]:9/jobs", true),
            ("unix:/run/jobs.sock", "http://localhost/jobs", true),
            ("http://127.0.0.1:80", "http://127.0.0.1:8080/jobs", false),
            ("http://127.0.0.1:80", "http://127.0.0.1:80@example.com/jobs", false),
            ("http://example.com", "http://example.com.evil/jobs", false),
            ("http://example.com", "https://example.com/jobs", false),
            ("http://example.com", "http://example.com", false),
            ("http://example.com", "http://example.com/a b", false),
        ] {
            let asked = Front::of_base(base).expect("an address for HTTP").asked(url);
            assert_eq!(asked.is_some(), at_home, "{base} {url}");
            if asked.is_some() {
                assert_eq!(asked, Asked::of(&url.parse().expect("an address")), "{base} {url}");
            }
        }
    }
}
