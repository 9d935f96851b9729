//! Which redirects lead to no job and to no result: to a page where people sign in, or to one that says that something went wrong.

/// Words that stand by themselves in the path of such a page, or at the beginning of its host.
const SIGN_IN: &[&str] =
    &["login", "signin", "sign-in", "sign_in", "logon", "sso", "saml", "saml2", "oauth", "oauth2", "authorize", "auth", "cas"];

/// Whether an address, whole or relative, is that of a page where people sign in.
pub fn is_sign_in_page(address: &str) -> bool {
    let address = address.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let (host, path) = match address.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or((Some(rest), ""), |(host, path)| (Some(host), path)),
        None => (None, address.as_str()),
    };
    let is_such_a_host = |host: &str| host.split('.').next().is_some_and(|first| SIGN_IN.contains(&first) || first == "accounts");
    host.is_some_and(is_such_a_host) || path.split(['/', '.']).any(|step| SIGN_IN.contains(&step))
}

/// Names of such pages, without what joins their words.
const ERRORS: &[&str] = &["error", "errors", "404", "403", "500", "503", "notfound", "missing", "maintenance", "unavailable"];

/// Whether the last step of an address names an error, as `/errors/404.html` and `/not-found` do.
pub fn is_error_page(address: &str) -> bool {
    let path = address.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let word: String = last.split('.').next().unwrap_or_default().chars().filter(|letter| !matches!(letter, '-' | '_')).collect();
    ERRORS.contains(&word.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_to_sign_in_is_known_by_its_path_or_its_host() {
        for page in [
            "/login",
            "/Login?next=/jobs/17",
            "login",
            "/account/sign-in#top",
            "/auth/realms/x",
            "/login.html",
            "/cas/login",
            "https://sso.example.com/x",
            "https://login.example.com",
            "https://accounts.example.com/v3/x",
            "https://h.example/oauth2/authorize?client_id=x",
            "//h/saml2/post",
        ] {
            assert!(is_sign_in_page(page), "{page}");
        }
        for page in [
            "",
            "/jobs/17",
            "/jobs/17?to=login",
            "/authors/17",
            "/loginstats",
            "https://jobs.example.com/login-of/17",
            "/accounts/17",
            "https://h/x.authors",
        ] {
            assert!(!is_sign_in_page(page), "{page}");
        }
    }

    #[test]
    fn an_error_page_is_known_by_its_last_step() {
        for page in ["/error", "/errors/404.html", "/Not-Found/", "/x/not_found?y", "https://h.example/maintenance"] {
            assert!(is_error_page(page), "{page}");
        }
        for page in ["", "/jobs/17", "/errors/17", "/error/jobs", "/results?error"] {
            assert!(!is_error_page(page), "{page}");
        }
    }
}
