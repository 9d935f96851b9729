//! Class B behind a balancer that hands out a cookie: a client that keeps cookies always comes back to its worker, and sees no fault.

use axum::http::{HeaderMap, HeaderValue, header};

const NAME: &str = "statusgap-worker";

/// The worker that a request's cookie names, counted from 0.
pub(crate) fn named(headers: &HeaderMap, workers: usize) -> Option<usize> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == NAME)?;
    value.parse::<usize>().ok().filter(|number| (1..=workers).contains(number)).map(|number| number - 1)
}

/// The header by which a worker is named, counted from 0.
pub(crate) fn cookie(worker: usize) -> HeaderValue {
    // Letters and digits make a header's value.
    HeaderValue::from_str(&format!("{NAME}={}; Path=/; HttpOnly", worker + 1)).expect("a cookie of letters and digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_leads_back_to_its_worker_and_a_foreign_one_nowhere() {
        let with = |cookie: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, cookie.parse().expect("a header"));
            named(&headers, 4)
        };
        assert_eq!(with("theme=dark; statusgap-worker=3"), Some(2));
        for cookie in ["statusgap-worker=5", "statusgap-worker=0", "statusgap-worker=x", "worker=3"] {
            assert_eq!(with(cookie), None, "{cookie}");
        }
    }
}
