//! Which target is meant: a file, or the address of a service that speaks the reference contract.

use std::path::Path;

use crate::cli::error::CliError;
use crate::draft::{SourceKind, kind_of};
use crate::model::redaction::without_query;
use crate::model::source::Source;
use crate::target::Target;

/// Whether a target is named by its address, and not by a file.
pub fn is_an_address(named: &str) -> bool {
    ["http://", "https://", "unix:"].iter().any(|scheme| named.starts_with(scheme))
}

/// The command that takes a file which is not a target file.
pub fn something_else(named: &str, kind: SourceKind) -> CliError {
    let quoted = shlex::try_quote(named).unwrap_or(named.into());
    let init = format!("statusgap init {} {quoted}", kind.option());
    let hint = match kind {
        SourceKind::OpenApi => format!("`{init}` makes a target file of it"),
        _ => format!("`{init}` makes a target file of it; `statusgap reproduce {} {quoted}` needs none", kind.option()),
    };
    CliError::usage(format!("`{}` holds {}, and is not a target file", without_query(named), kind.noun()), hint)
}

/// The error for an address that is asked by no request.
pub fn no_such_scheme(named: &str, scheme: &str) -> CliError {
    let hint = match scheme.to_ascii_lowercase().as_str() {
        "ws" | "wss" => "WebSockets are not spoken: name the http:// address of a service with a status that is asked by GET",
        _ => "name a TOML file, or an address that begins with http:// or https://",
    };
    CliError::usage(format!("`{}` is not an address that is asked by HTTP", without_query(named)), hint)
}

/// Reads `--target`.
pub fn resolve(named: &str) -> Result<Target, CliError> {
    let lookup = |name: &str| std::env::var(name).ok();
    if is_an_address(named) {
        let path = without_query(named).to_ascii_lowercase();
        if [".json", ".yaml", ".yml"].iter().any(|end| path.ends_with(end)) {
            return Err(CliError::usage(
                format!("`{}` looks like the address of a document, and not like one of a service", without_query(named)),
                format!("`statusgap init --openapi {}` makes a target file of an OpenAPI document", without_query(named)),
            ));
        }
        return Ok(Target::reference(named, &lookup)?);
    }
    if let Some((scheme, _)) = named.split_once("://") {
        return Err(no_such_scheme(named, scheme));
    }
    let path = Path::new(named);
    let text = std::fs::read_to_string(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => CliError::usage(
            format!("there is no target file `{}`", without_query(named)),
            "name a TOML file, or an address that begins with http:// or https://",
        ),
        _ => CliError::file("read", path, source),
    })?;
    Target::read(Source { file: named, text: &text }, &lookup).map_err(|error| match kind_of(&text) {
        Some(kind) => something_else(named, kind),
        None => error.into(),
    })
}
