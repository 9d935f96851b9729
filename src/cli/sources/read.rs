//! Reads curl commands, a recording or a document, wherever it is.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::{for_documents, settle, variable};
use crate::cli::args::source::SourceArgs;
use crate::cli::args::target::{is_an_address, no_such_scheme};
use crate::cli::error::CliError;
use crate::draft::openapi::{self, DocumentOptions};
use crate::draft::pair::{self, Pair, PairOptions};
use crate::draft::{Draft, DraftError, SourceKind, commands, fill_hosts, har, kind_of};
use crate::model::call::Call;
use crate::model::redaction::without_query;
use crate::model::source::Source;

/// Longer texts are not commands and no documents; a recording may well be as long.
const LONGEST: u64 = 512 << 20;

/// Where services have their OpenAPI document by custom.
const USUAL_PLACES: &[&str] = &[
    "/openapi.json",
    "/openapi.yaml",
    "/openapi.yml",
    "/v3/api-docs",
    "/api/openapi.json",
    "/swagger/v1/swagger.json",
    "/swagger.json",
    "/api-docs",
    "/docs/openapi.json",
];

/// What is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// Curl commands, or others.
    Commands(PathBuf),
    /// A recording.
    Har(PathBuf),
    /// A document, by its file or its address.
    Document(String),
    /// A file of whatever kind, or a service that may have a document.
    Something(String),
}

/// What was read.
#[derive(Debug)]
pub struct Found {
    /// The two requests.
    pub draft: Draft,
    /// What they were made from, for people.
    pub source: String,
    /// All requests of a recording, with their answers.
    pub recorded: Option<Vec<Call>>,
    /// What a target file has no place for, as sentences.
    pub left_out: Vec<String>,
}

/// What is said of documents, beside where they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Described<'a> {
    /// The operation that starts a job.
    pub operation: Option<&'a str>,
    /// The deployment to ask.
    pub base_url: Option<&'a str>,
}

/// What the options name, if anything.
pub fn named(args: &SourceArgs) -> Option<Named> {
    args.curl.clone().map(Named::Commands).or_else(|| args.har.clone().map(Named::Har))
}

/// Reads what is named.
pub async fn read(named: &Named, args: &SourceArgs, described: Described<'_>) -> Result<Found, CliError> {
    let (text, source, from) = match named {
        Named::Commands(path) | Named::Har(path) => (text_of(path)?, shown(path), None),
        Named::Document(place) if is_an_address(place) => (fetched(place).await?, without_query(place), Some(place.clone())),
        Named::Document(place) => (text_of(Path::new(place))?, shown(Path::new(place)), None),
        Named::Something(place) if place == "-" || Path::new(place).exists() => (text_of(Path::new(place))?, shown(Path::new(place)), None),
        Named::Something(place) => {
            let (text, address) = searched(place).await?;
            (text, without_query(&address), Some(address))
        }
    };
    let kind = match named {
        Named::Commands(_) => SourceKind::Commands,
        Named::Har(_) => SourceKind::Har,
        Named::Document(_) => SourceKind::OpenApi,
        Named::Something(_) => kind_of(&text).ok_or_else(|| not_understood(&text, &source))?,
    };
    let mut found = of_text(&text, kind, args, described, from.as_deref(), named).map_err(|error| {
        let wrong_kind = wrong_kind(&text, kind, &source);
        in_file(&source, wrong_kind.unwrap_or(error))
    })?;
    found.source = source;
    Ok(found)
}

/// The error for a text that is of another kind than it was given for.
fn wrong_kind(text: &str, wanted: SourceKind, source: &str) -> Option<DraftError> {
    let of_another = || {
        let kind = kind_of(text).filter(|kind| *kind != wanted)?;
        let option = if kind == SourceKind::OpenApi { "statusgap init --openapi" } else { kind.option() };
        let this = if kind == SourceKind::Commands { "these are" } else { "this is" };
        Some(DraftError::new(format!("{this} {}, and not {}", kind.noun(), wanted.noun()), format!("give it with {option} FILE")))
    };
    target_file(text, source).or_else(of_another)
}

/// The error for a target file, also for one with mistakes.
fn target_file(text: &str, source: &str) -> Option<DraftError> {
    let toml = Source { file: source, text };
    ["initiate", "base_url"].into_iter().find(|key| toml.line_of(key).is_some())?;
    let quoted = shlex::try_quote(source).unwrap_or(source.into());
    let hint = format!("`statusgap run --target {quoted}` runs with it, and `statusgap check --live {quoted}` tries it");
    Some(DraftError::new("this is a target file already", hint))
}

/// The error with the place that it is about.
fn in_file(source: &str, error: DraftError) -> CliError {
    let line = error.line.map_or_else(String::new, |line| format!(":{line}"));
    CliError::usage(format!("{source}{line}: {}", error.what), error.hint)
}

fn not_understood(text: &str, source: &str) -> CliError {
    if let Some(error) = target_file(text, source) {
        return in_file(source, error);
    }
    let hint = if text.contains("schema.getpostman.com") {
        "a collection of Postman's is not read: open each of the two requests there, choose Code and cURL, and put both into a file"
    } else {
        "give curl commands, an HTTP Archive (HAR), an OpenAPI 3 document, or the address of a service that has one"
    };
    CliError::usage(format!("{source} is nothing that a target file can be made from"), hint)
}

fn of_text(
    text: &str,
    kind: SourceKind,
    args: &SourceArgs,
    described: Described<'_>,
    from: Option<&str>,
    named: &Named,
) -> Result<Found, DraftError> {
    let (mut recorded, mut left_out, mut certificates) = (None, Vec::new(), [None, None, None]);
    let pair = match kind {
        SourceKind::Commands => {
            let mut found = commands(text, &|file| file_of_command(file, named))?;
            fill_hosts(&mut found.calls, &variable);
            (left_out, certificates) = (found.left_out, found.certificates);
            settled(args, |options| pair::of_commands(&found.calls, options))?
        }
        SourceKind::Har => {
            let calls = har::calls(text)?;
            let pair = settled(args, |options| pair::of_recording(&calls, options))?;
            recorded = Some(calls);
            pair
        }
        SourceKind::OpenApi => {
            let with = |operation: Option<&str>| openapi::pair(text, DocumentOptions { operation, from, base_url: described.base_url });
            or_asked(with(described.operation), |said| with(Some(said)))?
        }
    };
    let mut draft = Draft::of(pair, args.name.as_deref())?;
    draft.certificates = certificates;
    Ok(Found { draft, source: String::new(), recorded, left_out })
}

/// The pair by the options, or by what is said to a question.
fn settled(args: &SourceArgs, pair: impl Fn(PairOptions<'_>) -> Result<Pair, DraftError>) -> Result<Pair, DraftError> {
    let (mut calls, mut id_in_url) = (args.calls.clone(), args.id_in_url.clone());
    loop {
        let error = match pair(PairOptions { calls: calls.as_deref(), id_in_url: id_in_url.as_deref() }) {
            Ok(pair) => return Ok(pair),
            Err(error) => error,
        };
        let said = settle(&error);
        match (error.choice.as_ref().map(|choice| choice.option), said) {
            (Some("--calls"), Some(said)) if calls.is_none() => calls = Some(said),
            (Some("--id-in-url"), Some(said)) if id_in_url.is_none() => id_in_url = Some(said),
            _ => return Err(error),
        }
    }
}

/// A result, or the one with what is said to its question.
fn or_asked<T>(found: Result<T, DraftError>, again: impl FnOnce(&str) -> Result<T, DraftError>) -> Result<T, DraftError> {
    found.or_else(|error| settle(&error).map_or(Err(error), |said| again(&said)))
}

/// A file that a command names: as the command would find it, or beside the file with the commands.
fn file_of_command(file: &str, named: &Named) -> Result<Vec<u8>, String> {
    let beside = match named {
        Named::Commands(path) => path.parent().map(|folder| folder.join(file)),
        Named::Something(place) => Path::new(place).parent().map(|folder| folder.join(file)),
        _ => None,
    };
    std::fs::read(file).or_else(|error| beside.map_or(Err(error), std::fs::read)).map_err(|error| error.to_string())
}

fn text_of(path: &Path) -> Result<String, CliError> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(LONGEST).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes))
    };
    read.map_err(|source| CliError::file("read", path, source))?;
    text(&bytes).ok_or_else(|| CliError::usage(format!("{} is not text", shown(path)), "name a text file in UTF-8 or UTF-16"))
}

/// A text in UTF-8, or in UTF-16 with its mark, as PowerShell writes files.
fn text(bytes: &[u8]) -> Option<String> {
    let wide = |of: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| of([pair[0], pair[1]])).collect();
        String::from_utf16(&units).ok()
    };
    match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        _ => std::str::from_utf8(bytes).ok().map(|text| text.trim_start_matches('\u{feff}').to_owned()),
    }
}

fn shown(path: &Path) -> String {
    if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
    }
}

/// A document at an address.
async fn fetched(address: &str) -> Result<String, CliError> {
    document(&for_documents()?, address).await.map_err(|why| {
        CliError::usage(
            format!("{} {why}", without_query(address)),
            "name the document's file or address with --openapi, or give curl commands with --curl FILE",
        )
    })
}

async fn document(client: &crate::client::Client, address: &str) -> Result<String, String> {
    let call = Call { method: "GET".to_owned(), url: address.to_owned(), ..Call::default() };
    match client.send(&call).await {
        Ok(answer) if answer.http == 200 => text(&answer.body).ok_or_else(|| "is not text".to_owned()),
        Ok(answer) => Err(format!("answered {}", answer.http)),
        Err(why) => Err(format!("got no answer: {why}")),
    }
}

/// A service's document, at its own address or at one of the usual places below it.
async fn searched(place: &str) -> Result<(String, String), CliError> {
    if let Some((scheme, _)) = place.split_once("://").filter(|_| !is_an_address(place)) {
        return Err(no_such_scheme(place, scheme));
    }
    let address = if place.contains("://") { place.to_owned() } else { format!("http://{place}") };
    if url::Url::parse(&address).ok().and_then(|url| url.host_str().map(str::to_owned)).is_none() {
        return Err(CliError::usage(
            format!("there is no file `{place}`, and it is not an address"),
            "name a file with curl commands, a recording or a document, or an address that begins with http:// or https://",
        ));
    }
    let client = for_documents()?;
    let whole = address.trim_end_matches('/');
    let looks_like_one = |text: &str| kind_of(text) == Some(SourceKind::OpenApi);
    let mut tried = Vec::new();
    for path in std::iter::once("").chain(USUAL_PLACES.iter().copied()) {
        let document_at = format!("{whole}{path}");
        match document(&client, &document_at).await {
            Ok(text) if looks_like_one(&text) => return Ok((text, document_at)),
            Ok(_) => tried.push(format!("{} is none", if path.is_empty() { "the address itself" } else { path })),
            // Nobody is there: the other places are not, either.
            Err(why) if why.starts_with("got no answer") => {
                // Without a scheme it may have been meant for a file.
                let no_file = if place.contains("://") { String::new() } else { format!("there is no file `{place}`, and ") };
                return Err(CliError::usage(
                    format!("{no_file}{} {why}", without_query(&address)),
                    "is the file's name or the address right, and does the service run?",
                ));
            }
            Err(why) => tried.push(format!("{} {why}", if path.is_empty() { "the address itself" } else { path })),
        }
    }
    Err(CliError::usage(
        format!("{} has no OpenAPI document where one is usual: {}", without_query(&address), tried.join(", ")),
        "name it with --openapi URL, or give two curl commands with --curl FILE",
    ))
}

/// Refuses to send a request that takes something from the environment which is not there.
pub fn check_variables(draft: &Draft, are_commands: bool) -> Result<(), CliError> {
    let missing = draft.missing(&variable);
    let Some(first) = missing.first() else { return Ok(()) };
    let names = missing.iter().map(|name| format!("${name}")).collect::<Vec<_>>().join(", ");
    let message = if are_commands {
        format!("the commands take {names} from the environment, where it is not set")
    } else {
        format!("the API asks for {names}, which is not set")
    };
    Err(CliError::usage(message, format!("set it for this command: {first}=… statusgap …")))
}
