//! `statusgap init`: a target file from two curl commands, a HAR file or an OpenAPI document, checked with one job.

pub mod ci;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueHint};

use crate::cli::Ended;
use crate::cli::args::some_time;
use crate::cli::args::source::SourceArgs;
use crate::cli::commands::schema;
use crate::cli::error::CliError;
use crate::cli::sources::{self, Answer, Found, Named, Screen, client_for, confirm, settle, variable};
use crate::cli::terminal::output;
use crate::draft::infer::token;
use crate::draft::{Answers, Finished, Origin, from_answers, from_assumptions, recorded};
use crate::model::call::Call;
use crate::model::time::Span;
use crate::model::wording::counted;
use crate::run::learn::{CONTROLS, Learning, POLLS};
use crate::verdict::Exit;
use ci::BuildService;

/// The schema that is written beside a target file, for editors.
const SCHEMA: &str = "target.schema.json";

/// Writes a target file from what you have: curl commands, a HAR file, an OpenAPI document, or a service that serves one.
///
/// One job is started, to learn where its id stands and how the service answers ids that it never issued. What will be sent is shown
/// first, and nothing is sent before you agree. Credentials become environment variables, and never stand in the file.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct InitArgs {
    /// A file with commands, a recording or a document, or the address of a service that serves an OpenAPI document
    #[arg(value_name = "FILE|URL", value_hint = ValueHint::AnyPath, group = "source")]
    something: Option<String>,
    #[command(flatten)]
    source: SourceArgs,
    /// An OpenAPI 3.0 or 3.1 document, in JSON or YAML
    #[arg(long, value_name = "FILE|URL", value_hint = ValueHint::AnyPath, group = "source")]
    openapi: Option<String>,
    /// Which operation of the document starts a job: its operationId or path
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// The deployment to ask, in place of the document's first server
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    base_url: Option<String>,
    /// The file to write; `-` for standard output [default: NAME.toml]
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    out: Option<PathBuf>,
    /// Replaces a file that is there
    #[arg(long)]
    force: bool,
    /// Starts the job without asking first
    #[arg(long, short)]
    yes: bool,
    /// Asks the service for nothing, and writes what is usual: needs --id, unless the document says where the id stands
    #[arg(long, visible_alias = "no-live", conflicts_with_all = ["yes", "live"])]
    offline: bool,
    /// Tries a recording's requests with one job, too; without it, a recording is only read
    #[arg(long)]
    live: bool,
    /// How long the job is polled at most
    #[arg(long, value_name = "TIME", value_parser = some_time, default_value = "30s")]
    wait: Span,
    /// Prints the pipeline step that runs a gate with the file
    #[arg(long, value_name = "SERVICE")]
    ci: Option<BuildService>,
    /// No notes.
    #[arg(skip)]
    pub quiet: bool,
}

/// Runs the command.
pub fn run(args: &InitArgs) -> Ended {
    if let (Some(service), Some(file)) = (args.ci, target_file_of(args)) {
        return print_step(service, &file);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| CliError::System { action: "start the runtime", source })?;
    runtime.block_on(init(args))
}

/// The target file that is there already, where only its pipeline step is wanted.
fn target_file_of(args: &InitArgs) -> Option<PathBuf> {
    let named = args.something.as_ref().map(PathBuf::from).filter(|path| path.extension().is_some_and(|end| end == "toml"));
    let no_source = args.something.is_none() && args.openapi.is_none() && sources::named(&args.source).is_none();
    named.or_else(|| args.out.clone().filter(|_| no_source))
}

fn print_step(service: BuildService, file: &Path) -> Ended {
    let text = std::fs::read_to_string(file).map_err(|source| CliError::file("read", file, source))?;
    output::print(&service.step(&file.display().to_string(), &text)?)?;
    Ok(Exit::Pass)
}

async fn init(args: &InitArgs) -> Ended {
    let screen = Screen::new(args.quiet);
    let found = sources::read(
        &named(args)?,
        &args.source,
        sources::Described { operation: args.operation.as_deref(), base_url: args.base_url.as_deref() },
    )
    .await?;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.toml", file_name(&found.draft.name))));
    let is_printed = out == Path::new("-");
    if out.exists() && !args.force && !is_printed {
        return Err(CliError::usage(
            format!("{} is there already", out.display()),
            "name another file with --out, or replace it with --force",
        ));
    }
    screen.read(&found.draft, &found.left_out);
    let schema = (!is_printed).then_some(SCHEMA);
    let origin = Origin { source: &found.source, file: &out.display().to_string(), schema };
    let Some(finished) = finished(args, &found, &screen, origin).await? else { return Ok(Exit::Pass) };
    if let Some(readings) = finished.readings.as_ref().filter(|_| found.recorded.is_none() || args.live) {
        screen.gap(readings);
    }
    screen.read_as(&finished, finished.readings.is_some() && (found.recorded.is_none() || args.live));
    if is_printed {
        output::print(&finished.text)?;
    } else {
        write(&out, &finished.text, args.force, &screen)?;
    }
    told_next(&found, &out, is_printed, &screen);
    if let Some(service) = args.ci {
        output::print(&service.step(&out.display().to_string(), &finished.text)?)?;
    }
    Ok(Exit::Pass)
}

fn named(args: &InitArgs) -> Result<Named, CliError> {
    let document = args.openapi.clone().map(Named::Document);
    let something = args.something.clone().map(Named::Something);
    sources::named(&args.source).or(document).or(something).ok_or_else(|| {
        CliError::usage(
            "init needs something to read",
            "give --curl FILE (two \"Copy as cURL\" commands), --har FILE, --openapi FILE|URL, or the address of a service",
        )
    })
}

/// The target's name as a file may have it.
fn file_name(name: &str) -> String {
    let safe: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    let safe = safe.trim_matches(['.', '-']).to_owned();
    if safe.is_empty() { "target".to_owned() } else { safe }
}

/// The file, from a job's answers, from a recording's, or from what is usual; `None` if somebody said no.
async fn finished(args: &InitArgs, found: &Found, screen: &Screen, origin: Origin<'_>) -> Result<Option<Finished>, CliError> {
    let draft = &found.draft;
    if args.offline {
        let random = rand::random();
        return Ok(Some(from_assumptions(draft, args.source.id.as_deref(), &random, origin, &variable)?));
    }
    if let Some(calls) = found.recorded.as_ref().filter(|_| !args.live) {
        return Ok(Some(from_answers(draft, &of_recording(found, calls, args.source.id.as_deref())?, origin, &variable)?));
    }
    sources::check_variables(draft, args.source.curl.is_some())?;
    if !agreed(args, found, screen)? {
        return Ok(None);
    }
    let answers = learnt(found, args.source.id.clone(), args.wait.0, screen).await?;
    Ok(Some(
        from_answers(draft, &answers, origin, &variable)
            .map_err(|error| CliError::target(draft.shown(&error.what), draft.shown(&error.hint)))?,
    ))
}

/// What a recording says about its job.
pub fn of_recording(found: &Found, calls: &[Call], id: Option<&str>) -> Result<Answers, CliError> {
    let (evidence, id_at) = match recorded(&found.draft.pair, calls, id) {
        Ok(recorded) => recorded,
        Err(error) => match settle(&error) {
            Some(said) => recorded(&found.draft.pair, calls, Some(&said))?,
            None => return Err(error.into()),
        },
    };
    let unknown_id = found.draft.never_issued(&evidence.id, &rand::random()).swap_remove(0);
    let login = found.draft.pair.login.as_ref();
    let token = login.and_then(|login| Some(token(login.call.answer.as_ref()?, login))).transpose()?;
    Ok(Answers { evidence, id_at, unknown_id, token })
}

/// What one job shows.
pub async fn learnt(found: &Found, id_at: Option<String>, wait: Duration, screen: &Screen) -> Result<Answers, CliError> {
    let client = client_for(&found.draft)?;
    let learning = Learning { client: &client, draft: &found.draft, lookup: &variable, wait, id_at };
    Ok(learning.learn(&mut |note| screen.note(&found.draft, note), &mut |error| settle(error)).await?)
}

/// Whether a job may be started.
fn agreed(args: &InitArgs, found: &Found, screen: &Screen) -> Result<bool, CliError> {
    let host = found.draft.origin.split_once("://").map_or(found.draft.origin.as_str(), |(_, host)| host);
    let (initiate, status) = (&found.draft.pair.initiate, &found.draft.pair.status);
    let polls = counted((POLLS + CONTROLS) as u64, status.method.as_str());
    let login = if found.draft.pair.login.is_some() { "1 login, " } else { "" };
    let plan = format!("{login}1 {} and at most {polls} to {host}", initiate.method);
    if args.yes {
        screen.line("sends", &plan);
        return Ok(true);
    }
    match confirm(&format!("{:<9}{plan}; go on?", "sends"))? {
        Answer::Yes => Ok(true),
        Answer::No => {
            output::eprint_note("nothing was sent");
            Ok(false)
        }
        Answer::Nobody => Err(CliError::usage(
            format!("init would send {plan}, and there is no terminal to ask for permission"),
            "say --yes if it may, or --offline to write a file without asking the service",
        )),
    }
}

fn write(out: &Path, text: &str, force: bool, screen: &Screen) -> Result<(), CliError> {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder).map_err(|source| CliError::file("create", folder, source))?;
    }
    let created = std::fs::OpenOptions::new().write(true).create(true).truncate(true).create_new(!force).open(out);
    let mut file = created.map_err(|source| CliError::file("create", out, source))?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(|source| CliError::file("write", out, source))?;
    let schema_at = folder.unwrap_or(Path::new("")).join(SCHEMA);
    // Another one there may be of this program or of another: it is left alone.
    let mut written = out.display().to_string();
    if !schema_at.exists() {
        std::fs::write(&schema_at, schema::text_of("target")).map_err(|source| CliError::file("write", &schema_at, source))?;
        written = format!("{written}, and {} for completion in editors", schema_at.display());
    }
    screen.line("wrote", &written);
    Ok(())
}

/// What is to be set, and what to do next.
fn told_next(found: &Found, out: &Path, is_printed: bool, screen: &Screen) {
    let names: Vec<&str> =
        found.draft.secrets.iter().map(|secret| secret.variable.as_str()).chain(found.draft.variables.iter().map(String::as_str)).collect();
    let unset: Vec<String> = names.into_iter().filter(|name| variable(name).is_none()).map(|name| format!("export {name}=…")).collect();
    if !unset.is_empty() {
        screen.line("set", &format!("{}   before you use the file", unset.join("  ")));
    }
    if !is_printed {
        let path = out.display().to_string();
        let path = shlex::try_quote(&path).map_or_else(|_| path.clone(), std::borrow::Cow::into_owned);
        screen.line("next", &format!("statusgap run gate --target {path}"));
        screen.line("", &format!("statusgap reproduce --target {path}"));
    }
}
