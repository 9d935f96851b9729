//! What a log comes to: analysed once, judged once, by a run that has just ended or from a log of last year.

use std::path::{Path, PathBuf};

use crate::analysis::diagnosis::Candidates;
use crate::analysis::{Analysis, analyse_among};
use crate::log::storage;
use crate::model::run::{Journal, Run};
use crate::model::shard::Share;
use crate::run::{RunError, add_files};
use crate::verdict::{Exit, Judgement, Reason, Verdict, judge};

/// A log with all that was concluded from it; the diagnosis is part of the analysis.
#[derive(Debug, Clone)]
pub struct Concluded {
    pub journal: Journal,
    pub analysis: Analysis,
    pub judgement: Judgement,
}

impl Concluded {
    /// Analyses and judges a log.
    pub fn of(journal: Journal) -> Concluded {
        Concluded::among(journal, &Candidates::all())
    }

    /// The same, with these classes to explain what is wrong in it.
    pub fn among(journal: Journal, candidates: &Candidates) -> Concluded {
        let analysis = analyse_among(&journal, candidates);
        let judgement = judge(&journal, &analysis);
        Concluded { journal, analysis, judgement }
    }

    /// The same for a log in a file, or in the folder of the run that wrote it.
    pub fn read(path: &Path) -> Result<Concluded, RunError> {
        Ok(Concluded::of(storage::read_file(path)?))
    }

    /// The same, with the spans of these files.
    pub fn read_with_spans(path: &Path, files: &[PathBuf]) -> Result<Concluded, RunError> {
        let mut journal = storage::read_file(path)?;
        if !files.is_empty() {
            add_files(&mut journal, files)?;
        }
        Ok(Concluded::of(journal))
    }

    /// The same for the log that this process wrote with this header, and for no other.
    pub fn read_back(path: &Path, header: &Run) -> Result<Concluded, RunError> {
        Ok(Concluded::of(read_own(path, header)?))
    }

    /// The verdict's exit code. That of one shard says whether the shard did its part and saw no failure: that it cannot speak for
    /// the run is not the job's fault, and the verdict is that of the merged log.
    pub fn exit(&self) -> Exit {
        let Concluded { journal, judgement, .. } = self;
        let is_shard = matches!(journal.run.shard, Some(Share::Shard(_)));
        let lacks_others = |reason: &Reason| {
            matches!(
                reason,
                Reason::ShardsMissing { .. }
                    | Reason::OnOtherShards
                    | Reason::RateUnproven { .. }
                    | Reason::WindowUnproven { .. }
                    | Reason::SpeedUnproven { .. }
            )
        };
        let all = || judgement.reasons.iter().chain(judgement.scenarios.iter().flat_map(|scenario| &scenario.reasons));
        let did_its_part = is_shard && judgement.verdict == Verdict::Inconclusive && all().all(lacks_others);
        if did_its_part { Exit::Pass } else { judgement.verdict.into() }
    }
}

/// Reads back the log that this process wrote with this header. A lock keeps others from the folder where there are locks; if another
/// run's log is there all the same, its verdict is not this run's.
pub(super) fn read_own(path: &Path, header: &Run) -> Result<Journal, RunError> {
    let journal = storage::read_file(path)?;
    let own = |run: &Run| {
        (&run.run_id, run.seed, &run.started, &run.target, &run.command)
            == (&header.run_id, header.seed, &header.started, &header.target, &header.command)
    };
    if own(&journal.run) { Ok(journal) } else { Err(RunError::Replaced { log: path.display().to_string() }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::LogWriter;
    use crate::log::storage::{LOG, create};

    #[test]
    fn another_runs_log_has_no_verdict_for_this_run() {
        let text = include_str!("../../fixtures/logs/deferred.ndjson");
        let own = crate::log::read("deferred.ndjson", text.as_bytes()).expect("a log").run;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(LOG);
        let written_by = |run: &Run| {
            LogWriter::begin(Box::new(create(&path).expect("a file")), run).expect("a header");
            read_own(&path, &own)
        };
        assert!(written_by(&own).is_ok());
        let mut target = own.target.clone();
        target.base_url = "http://127.0.0.1:2".to_owned();
        for other in [
            Run { run_id: "another".to_owned(), ..own.clone() },
            Run { started: "2026-01-01T00:00:01Z".to_owned(), ..own.clone() },
            Run { seed: own.seed + 1, ..own.clone() },
            Run { target, ..own.clone() },
        ] {
            let refused = written_by(&other).expect_err("another run's log");
            assert!(matches!(refused, RunError::Replaced { .. }), "{refused}");
            assert!(refused.to_string().contains("no longer what this run wrote"), "{refused}");
        }
    }
}
