//! The cookies of one scan: what its replies set goes along with its later requests, where the target file says so.

use std::sync::{Mutex, PoisonError};

use cookie_store::CookieStore;
use http::HeaderMap;
use http::header::SET_COOKIE;
use url::Url;

use crate::target::Request;

/// A jar that only one scan has.
#[derive(Debug, Default)]
pub(crate) struct Jar(Mutex<CookieStore>);

impl Jar {
    /// Puts the cookies for its address into a request, beside what it has of its own.
    pub(crate) fn fill(&self, request: &mut Request) {
        let Some(url) = Url::parse(&request.url).ok().filter(|_| request.cookies) else { return };
        let jar = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cookies: Vec<String> = jar.get_request_values(&url).map(|(name, value)| format!("{name}={value}")).collect();
        if cookies.is_empty() {
            return;
        }
        let cookies = cookies.join("; ");
        match request.headers.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("cookie")) {
            Some((_, own)) => *own = format!("{own}; {cookies}"),
            None => request.headers.push(("cookie".to_owned(), cookies)),
        }
    }

    /// Takes the cookies of a reply. One that is none, or for another host, is left out.
    pub(crate) fn learn(&self, url: &str, headers: &HeaderMap) {
        let Ok(url) = Url::parse(url) else { return };
        let mut jar = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for cookie in headers.get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok()) {
            // What is wrong with it is the server's affair: a browser says nothing, either.
            let _ = jar.parse(cookie, &url);
        }
    }

    /// The values in it, which may let their bearer in.
    pub(crate) fn values(&self) -> Vec<String> {
        let jar = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        jar.iter_unexpired().map(|cookie| cookie.value().to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Method};

    use super::*;

    fn cookies_at(jar: &Jar, url: &str) -> Option<String> {
        let (method, headers, body) = (Method::GET, Vec::new(), Vec::new());
        let mut request = Request { method, url: url.to_owned(), headers, body, leaves_origin: false, cookies: true };
        jar.fill(&mut request);
        request.headers.pop().map(|(_, value)| value)
    }

    fn set(jar: &Jar, url: &str, cookie: &'static str) {
        let mut headers = HeaderMap::new();
        headers.append(SET_COOKIE, HeaderValue::from_static(cookie));
        jar.learn(url, &headers);
    }

    #[test]
    fn a_cookie_goes_where_it_came_from_until_it_is_taken_back() {
        let jar = Jar::default();
        set(&jar, "http://127.0.0.1:1/jobs", "sid=abc; Path=/; HttpOnly");
        set(&jar, "http://127.0.0.1:1/jobs", "only=here; Path=/jobs");
        assert_eq!(cookies_at(&jar, "http://127.0.0.1:1/x").as_deref(), Some("sid=abc"));
        let both = cookies_at(&jar, "http://127.0.0.1:1/jobs/7").expect("cookies");
        assert!(both.contains("sid=abc") && both.contains("only=here"), "{both}");
        assert_eq!(cookies_at(&jar, "http://example.com/"), None);
        set(&jar, "http://127.0.0.1:1/", "sid=; Max-Age=0; Path=/");
        assert_eq!(cookies_at(&jar, "http://127.0.0.1:1/x"), None);
    }
}
