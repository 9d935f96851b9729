//! Redirects, which are never followed: what they say about a scan, if anything.

use http::header::LOCATION;
use url::Url;

use super::address::Base;
use super::captured::About;
use super::selector::Opened;
use super::template::{Template, Variable};

/// How an endpoint's redirects are read.
#[derive(Debug, Clone)]
pub(super) enum Redirects {
    /// No redirect says anything.
    NoAnswer,
    /// 303 See Other leads from the status of a job that has ended to what it made.
    SeeOtherIsTheEnd(Own),
}

/// The endpoint's own address: one that leads back to itself says nothing.
#[derive(Debug, Clone)]
pub(super) struct Own {
    pub(super) base: Base,
    /// `None` where handed-out addresses are followed.
    pub(super) path: Option<Template>,
}

/// What a redirect means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The scan has ended, and what it made is elsewhere.
    Ended,
    /// Nothing about the scan, and why, as a fragment.
    Nothing(String),
}

impl Redirects {
    /// What a reply means that redirects; `None` for any other.
    pub(super) fn read(&self, reply: &Opened<'_>, about: About<'_>) -> Option<Meaning> {
        if !matches!(reply.http, 300..=303 | 305..=308) {
            return None;
        }
        let http = reply.http;
        let Some(location) = reply.headers.get(LOCATION).and_then(|location| location.to_str().ok()) else {
            return Some(Meaning::Nothing(format!("HTTP {http} without a Location that can be read")));
        };
        let shown = without_query(location);
        let Redirects::SeeOtherIsTheEnd(own) = self else {
            return Some(Meaning::Nothing(format!("HTTP {http} redirects to {shown}, and no redirect is followed")));
        };
        if leads_to_a_login(location) {
            return Some(Meaning::Nothing(format!(
                "HTTP {http} redirects to a login page ({shown}): are the credentials of this user set and valid?"
            )));
        }
        if own.is_named_by(location, about) {
            return Some(Meaning::Nothing(format!("HTTP {http} redirects to the address that was asked ({shown})")));
        }
        if http == 303 {
            return Some(Meaning::Ended);
        }
        Some(Meaning::Nothing(format!(
            "HTTP {http} redirects to {shown}, and no redirect is followed: write that address into the target file, or a rule \
             that says what {http} means"
        )))
    }
}

impl Own {
    fn is_named_by(&self, location: &str, about: About<'_>) -> bool {
        let Some(path) = &self.path else { return false };
        if path.variables().any(|variable| variable == Variable::User) {
            return false;
        }
        let filled = path.fill(|variable| about.in_path(variable));
        let Some(own) = self.base.path(&filled).ok().and_then(|own| Url::parse(&own).ok()) else { return false };
        let Ok(location) = own.join(location) else { return false };
        let path = |url: &Url| -> String {
            percent_encoding::percent_decode_str(url.path().trim_end_matches('/')).decode_utf8_lossy().into_owned()
        };
        // The query counts where the id stands in it; another scheme or a slash at the end is the same place.
        location.host_str() == own.host_str() && path(&location) == path(&own) && (own.query().is_none() || location.query() == own.query())
    }
}

/// Whether an address looks like a page where people sign in.
fn leads_to_a_login(location: &str) -> bool {
    let words = ["login", "signin", "sign-in", "sign_in", "logon", "sso", "saml", "saml2", "oauth", "oauth2", "authorize", "auth", "cas"];
    let path = without_query(location).to_ascii_lowercase();
    let path = path.split_once("://").map_or(path.as_str(), |(_, rest)| rest);
    let (host, steps) = path.split_once('/').unwrap_or((path, ""));
    let of_host = location.contains("://") && host.split('.').next().is_some_and(|first| words.contains(&first) || first == "accounts");
    of_host || steps.split(['/', '.']).any(|step| words.contains(&step)) || words.contains(&host)
}

/// An address without its query, which may carry credentials.
fn without_query(location: &str) -> &str {
    location.split(['?', '#']).next().unwrap_or_default()
}
