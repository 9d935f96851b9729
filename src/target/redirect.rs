//! Redirects, which are never followed: what they say about a scan, if anything.

use http::header::LOCATION;
use url::Url;

use crate::model::redirects::{is_error_page, is_sign_in_page};

use super::address::Base;
use super::captured::About;
use super::selector::Opened;
use super::template::{Template, Variable};

/// How an endpoint's redirects are read.
#[derive(Debug, Clone)]
pub(super) enum Redirects {
    /// No redirect says anything.
    NoAnswer,
    /// 302, 303 and 307 lead from the status of a job that has ended to what it made.
    ElsewhereIsTheEnd(Own),
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
        let Redirects::ElsewhereIsTheEnd(own) = self else {
            return Some(Meaning::Nothing(format!("HTTP {http} redirects to {shown}, and no redirect is followed")));
        };
        let nothing = |why: &str| Some(Meaning::Nothing(format!("HTTP {http} redirects to {why}")));
        if is_sign_in_page(location) {
            return nothing(&format!("a login page ({shown}): are the credentials of this user set and valid?"));
        }
        match own.place(location, about) {
            Place::Own => nothing(&format!("the address that was asked ({shown})")),
            Place::Above => nothing(&format!("{shown}, which is not about one job")),
            Place::Error => nothing(&format!("an error page ({shown})")),
            Place::Elsewhere if matches!(http, 302 | 303 | 307) => Some(Meaning::Ended),
            Place::Elsewhere | Place::Moved => nothing(&format!(
                "{shown}, and no redirect is followed: write that address into the target file, or a rule that says what {http} means"
            )),
        }
    }
}

/// Where a redirect leads, seen from the address that was asked.
enum Place {
    /// To the same address; another scheme or a slash at the end is not another one.
    Own,
    /// To the same path on another host.
    Moved,
    /// To an address that the asked one lies below: a start page, the list of all jobs.
    Above,
    /// To a page that says that something went wrong.
    Error,
    /// To none of these, as a result is.
    Elsewhere,
}

impl Own {
    fn place(&self, location: &str, about: About<'_>) -> Place {
        let own = self.asked(about);
        let parsed = own.as_ref().map_or_else(|| Url::parse(location), |own| own.join(location));
        let led = match parsed {
            Ok(led) if matches!(led.scheme(), "http" | "https") => led,
            // Without an own address to start from, a relative one cannot be compared.
            Err(url::ParseError::RelativeUrlWithoutBase) => return Place::Elsewhere,
            _ => return Place::Moved,
        };
        if is_error_page(led.path()) {
            return Place::Error;
        }
        let Some(own) = own else { return Place::Elsewhere };
        let (path, to) = (decoded_path(&own), decoded_path(&led));
        let same_host = led.host_str() == own.host_str();
        // The query counts where the id stands in it.
        let same_query = own.query().is_none() || led.query() == own.query();
        match (same_host, path == to) {
            (true, true) if same_query => Place::Own,
            (false, true) => Place::Moved,
            (true, false) if led.query().is_none() && path.starts_with(&format!("{to}/")) => Place::Above,
            _ => Place::Elsewhere,
        }
    }

    /// The address that was asked; `None` where it is not known.
    fn asked(&self, about: About<'_>) -> Option<Url> {
        let path = self.path.as_ref()?;
        if path.variables().any(|variable| variable == Variable::User) {
            return None;
        }
        let filled = path.fill(|variable| about.in_path(variable));
        Url::parse(&self.base.path(&filled).ok()?).ok()
    }
}

/// An address's path without percent-encoding and without a slash at the end.
fn decoded_path(url: &Url) -> String {
    percent_encoding::percent_decode_str(url.path().trim_end_matches('/')).decode_utf8_lossy().into_owned()
}

/// An address without its query, which may carry credentials.
fn without_query(location: &str) -> &str {
    location.split(['?', '#']).next().unwrap_or_default()
}
