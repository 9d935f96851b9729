//! Which target is meant: a file, or the address of a service that speaks the reference contract.

use std::path::Path;

use crate::cli::error::CliError;
use crate::model::redaction::without_query;
use crate::model::source::Source;
use crate::target::Target;

/// Whether a target is named by its address, and not by a file.
pub fn is_an_address(named: &str) -> bool {
    ["http://", "https://", "unix:"].iter().any(|scheme| named.starts_with(scheme))
}

/// Reads `--target`.
pub fn resolve(named: &str) -> Result<Target, CliError> {
    let lookup = |name: &str| std::env::var(name).ok();
    if is_an_address(named) {
        return Ok(Target::reference(named, &lookup)?);
    }
    let path = Path::new(named);
    let text = std::fs::read_to_string(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => CliError::usage(
            format!("there is no target file `{}`", without_query(named)),
            "name a TOML file, or an address that begins with http:// or https://",
        ),
        _ => CliError::file("read", path, source),
    })?;
    Ok(Target::read(Source { file: named, text: &text }, &lookup)?)
}
