//! A request and its answer outside of what is measured: as a person copied it, or as an ordinary client sends it.

use std::borrow::Cow;

use serde_json::Value;

use super::events;
use super::redirects::{is_error_page, is_sign_in_page};

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Call {
    /// The method, in capitals.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: Option<String>,
    /// The answer, where one was recorded.
    pub answer: Option<Answered>,
    /// Where it stands in the text that it was read from, from 1.
    pub line: Option<usize>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answered {
    /// The status code.
    pub http: u16,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answered {
    /// The body as JSON; `None` if it is none.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.content()).ok()
    }

    /// What the body says: of a stream of events, the first one's data.
    pub fn content(&self) -> Cow<'_, [u8]> {
        events::content(self.header("content-type").unwrap_or_default(), &self.body)
    }

    /// Whether the body is a stream of events.
    pub fn is_stream(&self) -> bool {
        self.header("content-type").is_some_and(events::is_stream)
    }

    /// A header's value; names are compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Whether it leads on to what the request has made, as services answer a form: anything but a page where people log in. The codes are
    /// those after which a POST becomes a GET.
    pub fn is_redirect_to_what_it_made(&self) -> bool {
        let leads_on = |to: &str| !to.starts_with(['?', '#']) && !to.is_empty() && !is_sign_in_page(to) && !is_error_page(to);
        matches!(self.http, 302 | 303) && self.header("location").is_some_and(leads_on)
    }

    /// Whether its code says that all went well.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.http)
    }
}

impl Call {
    /// A header's value; names are compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Whether it only reads, by its method.
    pub fn only_reads(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS")
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_leads_to_what_a_request_made_unless_it_leads_to_a_login_or_an_error() {
        let leads_on = |http: u16, to: &str| {
            let headers = vec![("location".to_owned(), to.to_owned())];
            Answered { http, headers, body: Vec::new() }.is_redirect_to_what_it_made()
        };
        for to in ["/jobs/17", "https://h.example/jobs/17?from=login", "17", "/authors/17"] {
            assert!(leads_on(302, to) && leads_on(303, to), "{to}");
            assert!(!leads_on(301, to) && !leads_on(307, to) && !leads_on(200, to), "{to}: another code");
        }
        for to in ["", "?next", "/login", "https://sso.example.com/x", "https://h/oauth2/authorize", "/cas", "/error", "/404.html"] {
            assert!(!leads_on(302, to), "{to}");
        }
    }
}
