//! A request as curl's arguments, for whoever writes its placeholders in the shell's way.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::bundle::shell::literal;
use crate::model::run::{HttpVersion, TargetNote};
use crate::target::{LoggedRequest, Piece};

/// Goes on in the next line, so that a long request stays readable.
pub(super) const NEXT: &str = " \\\n    ";

pub(super) fn has_header(request: &LoggedRequest, name: &str) -> bool {
    request.headers.iter().any(|(own, _)| own == name)
}

/// The option for the version of HTTP that was spoken.
pub(super) fn version(target: &TargetNote) -> &'static str {
    match (target.http, target.base_url.starts_with("https://")) {
        (HttpVersion::One, _) => "--http1.1",
        (HttpVersion::Two, true) => "--http2",
        (HttpVersion::Two, false) => "--http2-prior-knowledge",
    }
}

/// The method; nothing for a plain GET.
pub(super) fn method(request: &LoggedRequest) -> String {
    match request.method.as_str() {
        "GET" if request.body.is_empty() => String::new(),
        // Its reply has no body, for which curl would wait.
        "HEAD" => " --head".to_owned(),
        method => format!(" -X {}", literal(method)),
    }
}

/// The request's own headers but for those that curl sets, which knows the length. `quote` makes a part of a double-quoted text.
pub(super) fn headers(request: &LoggedRequest, mut quote: impl FnMut(&[Piece]) -> Option<String>) -> Option<String> {
    let mut line = String::new();
    for (name, value) in request.headers.iter().filter(|(name, _)| !["content-length", "transfer-encoding"].contains(&name.as_str())) {
        match &value[..] {
            [] => drop(write!(line, "{NEXT}-H {}", literal(&format!("{name};")))),
            value => drop(write!(line, "{NEXT}-H \"{name}: {}\"", quote(value)?)),
        }
    }
    Some(line)
}

/// The body, if there is one or the method demands one.
pub(super) fn body(request: &LoggedRequest, mut quote: impl FnMut(&[Piece]) -> Option<String>) -> Option<String> {
    if request.body.is_empty() && !matches!(request.method.as_str(), "POST" | "PUT" | "PATCH") {
        return Some(String::new());
    }
    // curl would say that it is a form.
    let no_type = if has_header(request, "content-type") { "" } else { " -H 'content-type:'" };
    // Never --data or --data-binary: a text that begins with @ would send a file of whoever runs it.
    Some(format!("{no_type}{NEXT}--data-raw \"{}\"", quote(&request.body)?))
}
