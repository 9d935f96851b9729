//! The folder of a run, and what an earlier run may have left in it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::log::storage::{LOG, OwnFolder};
use crate::log::{LogWriter, StorageError, storage};
use crate::model::run::Run;

/// Where a run's files go.
#[derive(Debug, Clone, Default)]
pub struct Destination {
    /// The folder that was asked for; `None`: a new one below `reports`.
    pub out: Option<PathBuf>,
    pub artefacts: Artefacts,
}

/// The names of the files that are written beside logs, so that those of an earlier run can be removed: beside this run's log they would
/// look like its result.
#[derive(Debug, Clone, Default)]
pub struct Artefacts {
    /// Names by which only a run of this program calls its files.
    pub own: Vec<&'static str>,
    /// Names that many programs use: removed only where a run wrote before.
    pub common: Vec<&'static str>,
    /// The file that shows, as the log does, that a run wrote here before.
    pub result: &'static str,
}

impl Destination {
    /// The folder, created and locked.
    pub fn claim(&self, started: &str, name: &str) -> Result<OwnFolder, StorageError> {
        let Some(asked) = &self.out else { return new_folder(started, name) };
        OwnFolder::claim(asked)
    }

    /// Begins the log of a run in its folder, from which an earlier run's files are gone by then.
    pub fn begin_log(&self, folder: &Path, header: &Run) -> Result<LogWriter, StorageError> {
        self.artefacts.clear(folder)?;
        storage::begin(folder, header)
    }
}

fn new_folder(started: &str, name: &str) -> Result<OwnFolder, StorageError> {
    let usual = PathBuf::from("reports").join(format!("{}-{}", compact(started), safe(name)));
    // Two runs that start in the same second are no reason to refuse one of them.
    let others = (2..=MOST_AT_ONCE).map(|n| usual.with_extension(n.to_string()));
    let mut refused = None;
    for folder in std::iter::once(usual.clone()).chain(others) {
        match OwnFolder::claim(&folder) {
            Err(error @ StorageError::Locked(_)) => refused = Some(error),
            claimed => return claimed,
        }
    }
    Err(refused.unwrap_or_else(|| StorageError::Locked("no folder is free".to_owned())))
}

/// So many runs of one name may start in one second.
const MOST_AT_ONCE: u32 = 100;

/// `2026-11-23T20:08:55.123Z` → `20261123T200855Z`.
fn compact(started: &str) -> String {
    let seconds = started.split(['.', 'Z']).next().unwrap_or(started);
    seconds.chars().filter(char::is_ascii_alphanumeric).chain(['Z']).collect()
}

/// A name that is safe as part of a path everywhere.
fn safe(name: &str) -> String {
    let safe: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' }).take(60).collect();
    if safe.is_empty() { "run".to_owned() } else { safe }
}

impl Artefacts {
    /// Removes what an earlier run left in a folder.
    pub fn clear(&self, folder: &Path) -> Result<(), StorageError> {
        let was_a_run = folder.join(LOG).exists() || folder.join(self.result).is_file();
        let common = self.common.iter().filter(|_| was_a_run);
        for name in [LOG].iter().chain(&self.own).chain(common) {
            let path = folder.join(name);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != ErrorKind::NotFound => return Err(StorageError::file("replace", &path, source)),
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_programs_call_alike_is_removed_only_beside_a_log() {
        let top = tempfile::tempdir().expect("a folder");
        let artefacts = Artefacts { own: Vec::new(), common: vec!["junit.xml"], result: "result.json" };
        let other = top.path().join("junit.xml");
        fs::write(&other, "another program's").expect("a file");
        artefacts.clear(top.path()).expect("a folder");
        assert!(other.exists());
        fs::write(top.path().join(LOG), "").expect("a file");
        artefacts.clear(top.path()).expect("a folder");
        assert!(!other.exists() && !top.path().join(LOG).exists(), "an earlier run's");
    }
}
