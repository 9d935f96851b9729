//! Where the answer to a login has what later requests carry.

use std::time::Duration;

use serde_json::Value;

use crate::draft::error::{DraftError, cut};
use crate::draft::json::{depth, leaves, name};
use crate::draft::pair::Login;
use crate::model::call::Answered;

/// What a login gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its value.
    pub value: String,
    /// Where the answer has it.
    pub place: TokenPlace,
    /// The code of the answer: that of a form may be a redirect.
    pub http: u16,
    /// Where the answer says for how many seconds it is good.
    pub expires: Option<String>,
    /// For how long that is.
    pub lasts: Option<Duration>,
}

/// Where the answer has the credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenPlace {
    /// At a JSON pointer.
    Pointer(String),
    /// In a header; of a cookie, as the first group of a pattern.
    Header {
        /// The header's name.
        name: String,
        /// The pattern; `None` for the whole value.
        pattern: Option<String>,
    },
}

impl Token {
    /// What is assumed where nobody has logged in: the member that RFC 6749 names, or the cookie that the others carry.
    pub fn assumed(login: &Login) -> Token {
        let place = match &login.cookie {
            Some(cookie) => cookie_place(cookie),
            None => TokenPlace::Pointer("/access_token".to_owned()),
        };
        Token { value: String::new(), place, http: 200, expires: None, lasts: None }
    }
}

impl TokenPlace {
    /// The place as it is shown.
    pub fn shown(&self) -> String {
        match self {
            TokenPlace::Pointer(pointer) => pointer.clone(),
            TokenPlace::Header { name, .. } => name.clone(),
        }
    }
}

/// Names of members that hold a token, the surest first.
const NAMES: &[&str] =
    &["access_token", "accesstoken", "token", "jwt", "id_token", "idtoken", "auth_token", "authtoken", "bearer", "key", "session"];

/// What a login gave, in the form in which the other requests carry it.
pub fn token(answer: &Answered, login: &Login) -> Result<Token, DraftError> {
    let found = match &login.cookie {
        Some(cookie) => of_cookie(answer, cookie),
        None => of_body(answer).or_else(|| of_header(answer, &login.header)),
    };
    let (value, place) = found.ok_or_else(|| {
        let wanted = match &login.cookie {
            Some(cookie) => format!("no cookie `{}`", cut(cookie)),
            None => "nothing that looks like a token".to_owned(),
        };
        DraftError::new(
            format!("the answer to the login {} (HTTP {}) has {wanted}", login.shown(), answer.http),
            "if that command is not a login, name the two others with --calls N,N; else write the target file by hand, with [login]",
        )
    })?;
    let (expires, lasts) = expires(answer).unzip();
    Ok(Token { value, place, http: answer.http, expires, lasts })
}

fn of_body(answer: &Answered) -> Option<(String, TokenPlace)> {
    let mut best: Option<((usize, usize), String, String)> = None;
    leaves(&answer.json()?, &mut |pointer, leaf| {
        let Value::String(value) = leaf else { return };
        let name = name(pointer);
        let rank = NAMES.iter().position(|known| *known == name).or_else(|| {
            let is_other = name.contains("refresh") || name.contains("csrf") || name.ends_with("type");
            (name.ends_with("token") && !is_other).then_some(NAMES.len())
        });
        let Some(rank) = rank.filter(|_| value.len() >= 4) else { return };
        let key = (rank, depth(pointer));
        if best.as_ref().is_none_or(|(known, ..)| key < *known) {
            best = Some((key, value.clone(), pointer.to_owned()));
        }
    });
    best.map(|(_, value, pointer)| (value, TokenPlace::Pointer(pointer)))
}

fn of_header(answer: &Answered, carried: &str) -> Option<(String, TokenPlace)> {
    let is_token = |name: &str| name == carried || (name.ends_with("token") && !name.contains("csrf"));
    let (name, value) = answer.headers.iter().find(|(name, _)| is_token(&name.to_ascii_lowercase()))?;
    // A scheme stands before it where the others have one as well.
    match value.split_once(' ') {
        Some((scheme, value)) => {
            let pattern = format!("^{} (.+)$", regex::escape(scheme));
            Some((value.to_owned(), TokenPlace::Header { name: name.clone(), pattern: Some(pattern) }))
        }
        None => Some((value.clone(), TokenPlace::Header { name: name.clone(), pattern: None })),
    }
}

fn of_cookie(answer: &Answered, cookie: &str) -> Option<(String, TokenPlace)> {
    let value = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")).find_map(|(_, value)| {
        let (name, value) = value.split(';').next()?.split_once('=')?;
        (name.trim() == cookie).then(|| value.trim().to_owned())
    })?;
    Some((value, cookie_place(cookie)))
}

fn cookie_place(cookie: &str) -> TokenPlace {
    TokenPlace::Header { name: "Set-Cookie".to_owned(), pattern: Some(format!("^{}=([^;]+)", regex::escape(cookie))) }
}

/// A number of seconds at a place of such a name.
fn expires(answer: &Answered) -> Option<(String, Duration)> {
    /// More would be a point in time.
    const LONGEST: f64 = 366.0 * 86_400.0;
    let mut found = None;
    leaves(&answer.json()?, &mut |pointer, leaf| {
        let is_named = matches!(name(pointer).as_str(), "expires_in" | "expiresin" | "expires" | "ttl" | "expire_in" | "lifetime");
        let seconds = leaf.as_f64().filter(|seconds| *seconds > 0.0 && *seconds < LONGEST);
        if let Some(seconds) = seconds.filter(|_| found.is_none() && is_named) {
            found = Some((pointer.to_owned(), Duration::from_secs_f64(seconds)));
        }
    });
    found
}
