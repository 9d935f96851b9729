//! An inquiry without a target file: it is made in memory from commands or a recording, and kept with the results.

use std::path::Path;
use std::time::Duration;

use super::ReproduceArgs;
use crate::cli::commands::init;
use crate::cli::error::CliError;
use crate::cli::files;
use crate::cli::sources::{self, Found, Named, Screen, variable};
use crate::cli::terminal::output;
use crate::draft::{Finished, Origin, from_answers, from_assumptions};

/// How long the first job is polled at most.
const WAIT: Duration = Duration::from_secs(30);

/// The target that commands or a recording describe. A recording is only read; commands are tried with one job first.
pub async fn from_source(named: &Named, args: &ReproduceArgs) -> Result<Finished, CliError> {
    let screen = Screen::new(args.probe.quiet);
    let found = sources::read(named, &args.source, sources::Described::default()).await?;
    screen.read(&found.draft, &found.left_out);
    sources::check_variables(&found.draft, found.recorded.is_none())?;
    let origin = Origin { source: &found.source, file: files::DERIVED_TARGET, schema: None };
    let finished = finished(&found, args, &screen, origin).await?;
    screen.read_as(&finished, finished.readings.is_some() && found.recorded.is_none());
    Ok(finished)
}

async fn finished(found: &Found, args: &ReproduceArgs, screen: &Screen, origin: Origin<'_>) -> Result<Finished, CliError> {
    let (draft, id) = (&found.draft, args.source.id.as_deref());
    if let Some(calls) = &found.recorded {
        return Ok(from_answers(draft, &init::of_recording(found, calls, id)?, origin, &variable)?);
    }
    if args.dry_run {
        // Nothing is sent, so that it is not known where the id stands; the plan does not depend on it.
        return Ok(from_assumptions(draft, id.or(Some("/id")), &rand::random(), origin, &variable)?);
    }
    let answers = init::learnt(found, args.source.id.clone(), WAIT, screen).await?;
    let finished = from_answers(draft, &answers, origin, &variable)
        .map_err(|error| CliError::target(draft.shown(&error.what), draft.shown(&error.hint)))?;
    if let Some(readings) = &finished.readings {
        screen.gap(readings);
    }
    Ok(finished)
}

/// Leaves the target file with the results.
pub fn keep(text: &str, folder: &Path, quiet: bool) -> Result<(), CliError> {
    let path = folder.join(files::DERIVED_TARGET);
    std::fs::write(&path, text).map_err(|source| CliError::file("write", &path, source))?;
    if !quiet {
        output::eprint_note(&format!("the target file that was made: {}", path.display()));
    }
    Ok(())
}
