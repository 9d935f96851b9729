//! `statusgap bundle`: what belongs on a ticket, in one folder.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::bundle;
use crate::cli::args::twin::TwinArgs;
use crate::cli::commands::report;
use crate::cli::error::CliError;
use crate::cli::files::{ARCHIVE, NO_SCRIPT, SCRIPT};
use crate::cli::terminal::output;
use crate::cli::{Ended, files};
use crate::log::storage;
use crate::model::secret_names::STRUCK;
use crate::run::Concluded;
use crate::target::credentials::{self, Literal};

/// Writes what belongs on a ticket: the reports, the log, a script of curl commands that shows the fault, and the requests as HAR.
///
/// `repro.sh` holds no secrets: they come from the environment, under the names that the target file has for them. A credential that
/// stands in that file itself is struck out if its name gives it away, and told. All is made from the log alone; nothing is sent.
#[derive(Debug, Args)]
pub struct BundleArgs {
    /// The log, or the folder of the run that wrote it
    #[arg(value_name = "LOG")]
    log: PathBuf,
    /// The folder for report.md, report.html, result.json, log.ndjson, repro.sh and requests.har [default: the log's own]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    twin: TwinArgs,
    /// No notes.
    #[arg(skip)]
    pub quiet: bool,
}

/// Runs the command. The exit code is the verdict's.
pub fn run(args: &BundleArgs) -> Ended {
    let log = storage::log_at(&args.log);
    let own = log.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = args.out.as_deref().unwrap_or(own);
    let concluded = args.twin.apply(Concluded::read(&log)?, args.quiet);
    let folder = &*files::OwnFolder::claim(folder)?;
    let copy = folder.join(files::LOG);
    if copy.canonicalize().ok() != log.canonicalize().ok() || !copy.exists() {
        std::fs::copy(&log, &copy).map_err(|source| CliError::file("write", &copy, source))?;
    }
    let view = report::view(&concluded);
    report::write(&view, folder, &[])?;
    write(folder, &concluded, &view.headline, args.quiet)?;
    Ok(concluded.exit())
}

/// Adds script and archive to the folder of a log.
pub fn write(folder: &Path, concluded: &Concluded, headline: &str, quiet: bool) -> Result<(), CliError> {
    let journal = &concluded.journal;
    files::write_streamed(&folder.join(ARCHIVE), |out| bundle::archive(journal, out))?;
    let script = folder.join(SCRIPT);
    match bundle::script(journal, &concluded.analysis, headline) {
        Ok(text) => {
            files::write_whole(&script, &text)?;
            executable(&script)?;
            remove(&folder.join(NO_SCRIPT))?;
            if !quiet {
                output::eprint_note(&format!("for a ticket: {ARCHIVE}, and {SCRIPT}, which shows it again with curl"));
            }
        }
        Err(why) => {
            // One of an earlier run in this folder would show something else.
            remove(&script)?;
            files::write_whole(&folder.join(NO_SCRIPT), &format!("There is no {SCRIPT}: {why}.\n"))?;
            if !quiet {
                output::eprint_note(&format!("for a ticket: {ARCHIVE}; no {SCRIPT}: {why}"));
            }
        }
    }
    if let (Some(note), false) = (in_clear(&journal.run.target.file), quiet) {
        output::eprint_note(&note);
    }
    Ok(())
}

/// What to tell if credentials stand in a log's target file itself.
fn in_clear(file: &str) -> Option<String> {
    let literals = credentials::literals(file);
    if literals.is_empty() {
        return None;
    }
    let listed = |of: fn(&Literal) -> &str| literals.iter().map(of).collect::<Vec<_>>().join(", ");
    let kept = if literals.iter().all(|literal| literal.value == STRUCK) {
        "they are struck out".to_owned()
    } else {
        format!("they are struck out of {ARCHIVE}, and STILL STAND in {}", files::LOG)
    };
    Some(format!(
        "note: credentials stand in the target file itself ({}): {kept}; {SCRIPT} takes what it needs of {}; better write ${{NAME}} there",
        listed(|literal| &literal.place),
        listed(|literal| &literal.variable),
    ))
}

fn remove(path: &Path) -> Result<(), CliError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(CliError::file("remove", path, source)),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn executable(path: &Path) -> Result<(), CliError> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).map_err(|source| CliError::file("make executable", path, source))
}

#[cfg(not(unix))]
fn executable(_: &Path) -> Result<(), CliError> {
    Ok(())
}
