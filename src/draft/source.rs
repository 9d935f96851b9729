//! What kind of text somebody has brought.

use super::curl::{self, Commands, ReadFile};
use super::{DraftError, fetch};

/// Something that a target file can be made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// Commands: curl's, PowerShell's, or calls of `fetch`.
    Commands,
    /// An HTTP Archive.
    Har,
    /// An OpenAPI document.
    OpenApi,
}

impl SourceKind {
    /// What it is called.
    pub fn noun(self) -> &'static str {
        match self {
            SourceKind::Commands => "commands to send requests",
            SourceKind::Har => "an HTTP Archive",
            SourceKind::OpenApi => "an OpenAPI document",
        }
    }

    /// The option that takes it.
    pub fn option(self) -> &'static str {
        match self {
            SourceKind::Commands => "--curl",
            SourceKind::Har => "--har",
            SourceKind::OpenApi => "--openapi",
        }
    }
}

/// What a text looks like; `None` if like nothing of the kind, such as a target file.
pub fn kind_of(text: &str) -> Option<SourceKind> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let lower = text.get(..text.len().min(4096)).unwrap_or_default().to_ascii_lowercase();
    if text.starts_with('{') {
        let has = |key: &str| text.contains(&format!("\"{key}\""));
        return if has("openapi") || has("swagger") {
            Some(SourceKind::OpenApi)
        } else if has("log") && has("entries") {
            Some(SourceKind::Har)
        } else {
            None
        };
    }
    if lower.lines().any(|line| line.starts_with("openapi:") || line.starts_with("swagger:") || line.starts_with("\"openapi\":")) {
        return Some(SourceKind::OpenApi);
    }
    let is_fetch = text.lines().any(|line| line.trim_start().trim_start_matches("await ").starts_with("fetch(\""));
    (curl::has_command(text) || is_powershell(text) || is_fetch).then_some(SourceKind::Commands)
}

fn is_powershell(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["invoke-webrequest ", "invoke-restmethod "].iter().any(|name| lower.contains(name))
}

/// Another program that sends requests, if a line begins with it.
fn other_client(text: &str) -> Option<&'static str> {
    const OTHERS: &[(&str, &str)] = &[
        ("http", "HTTPie"),
        ("https", "HTTPie"),
        ("xh", "xh"),
        ("wget", "wget"),
        ("websocat", "websocat"),
        ("wscat", "wscat"),
        ("grpcurl", "grpcurl"),
        ("hurl", "hurl"),
    ];
    text.lines().find_map(|line| {
        let first = line.split_whitespace().find(|word| *word != "$")?;
        OTHERS.iter().find(|(word, _)| *word == first).map(|(_, name)| *name)
    })
}

/// The requests of a text with commands, whatever sends them.
pub fn commands(text: &str, read_file: ReadFile<'_>) -> Result<Commands, DraftError> {
    if text.contains("fetch(\"") && !curl::has_command(text) {
        return Ok(Commands { calls: fetch::calls(text)?, ..Commands::default() });
    }
    match kind_of(text) {
        Some(kind @ (SourceKind::Har | SourceKind::OpenApi)) => Err(DraftError::new(
            format!("this is {}, not a text with curl commands", kind.noun()),
            format!("give it with {} FILE", kind.option()),
        )),
        None if other_client(text).is_some() => Err(DraftError::new(
            format!("commands of {} are not read", other_client(text).unwrap_or_default()),
            "write them as curl commands: the POST that starts a job, and the GET that asks for its status",
        )),
        _ => curl::commands(text, read_file),
    }
}
