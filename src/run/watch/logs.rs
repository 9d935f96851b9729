//! A watch's folder: one log a round, the oldest removed; a link to the latest; the changes.
//!
//! A round's log is written while the round goes on, as any run's is, so that a killed watch leaves logs that can be read.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::log::StorageError;
use crate::log::storage::{self, OwnFolder};
use crate::verdict::Verdict;

/// The folder with the logs of the rounds.
pub const FOLDER: &str = "rounds";

/// The link to the latest log that is whole.
const LATEST: &str = "latest.ndjson";

/// The list of changes.
const CHANGES: &str = "changes.ndjson";

/// Changes whose logs are kept whatever their age, and lines in the list of changes.
const KEPT_CHANGES: usize = 20;
const LISTED_CHANGES: usize = 1000;

/// A change of the verdict, as it is written down.
#[derive(Debug, Clone, Copy)]
pub struct NotedChange<'a> {
    /// When, RFC 3339.
    pub at: &'a str,
    pub was: Option<Verdict>,
    pub is: Verdict,
    pub reason: &'a str,
    /// The log of the round that made it, from the watch's folder.
    pub log: &'a str,
}

/// The logs of one watch.
#[derive(Debug)]
pub struct Logs {
    folder: OwnFolder,
    keep: usize,
    number: u64,
    /// Logs that lie there, the oldest first.
    there: VecDeque<u64>,
    /// Rounds that made a change, the oldest first.
    changes: VecDeque<u64>,
    /// The lines of the list of changes.
    lines: VecDeque<String>,
}

impl Logs {
    /// Goes on where an earlier watch with the same folder ended.
    pub fn open(folder: OwnFolder, keep: usize) -> Result<Logs, StorageError> {
        let rounds = folder.join(FOLDER);
        fs::create_dir_all(&rounds).map_err(|source| StorageError::file("create the folder", &rounds, source))?;
        let entries = fs::read_dir(&rounds).map_err(|source| StorageError::file("read the folder", &rounds, source))?;
        let mut there: Vec<u64> = entries.filter_map(|entry| number(&entry.ok()?.path())).collect();
        there.sort_unstable();
        let list = folder.join(CHANGES);
        let lines = match fs::read_to_string(&list) {
            Ok(text) => text.lines().map(str::to_owned).collect(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => VecDeque::new(),
            Err(source) => return Err(StorageError::file("read", &list, source)),
        };
        let number = there.last().copied().unwrap_or_default();
        Ok(Logs { folder, keep, number, there: there.into(), changes: VecDeque::new(), lines })
    }

    /// The watch's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The number of the round under way, or of the last one.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Where the next round is to be logged; the oldest log makes room for it.
    pub fn next(&mut self) -> Result<PathBuf, StorageError> {
        self.number += 1;
        self.there.push_back(self.number);
        let mut surplus = self.there.iter().filter(|number| !self.changes.contains(number)).count().saturating_sub(self.keep);
        let mut left = VecDeque::with_capacity(self.there.len());
        for number in std::mem::take(&mut self.there) {
            if surplus == 0 || self.changes.contains(&number) {
                left.push_back(number);
                continue;
            }
            surplus -= 1;
            let path = self.path(number);
            match fs::remove_file(&path) {
                // Somebody else's removal is as good.
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(StorageError::file("remove", &path, source)),
                _ => {}
            }
        }
        self.there = left;
        Ok(self.path(self.number))
    }

    /// Points the link at a log that is whole now.
    pub fn ended(&self, log: &Path) -> Result<(), StorageError> {
        let (link, beside) = (self.folder.join(LATEST), self.folder.join(format!("{LATEST}.part")));
        let renamed = fs::remove_file(&beside)
            .or_else(|error| if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
            .and_then(|()| std::os::unix::fs::symlink(self.relative(log), &beside))
            .and_then(|()| fs::rename(&beside, &link));
        renamed.map_err(|source| StorageError::file("link", &link, source))
    }

    /// Writes down a change, and keeps the log of the round that made it.
    pub fn changed(&mut self, change: &NotedChange<'_>) -> Result<(), StorageError> {
        self.changes.push_back(self.number);
        if self.changes.len() > KEPT_CHANGES {
            self.changes.pop_front();
        }
        let line = json!({
            "at": change.at,
            "was": change.was,
            "verdict": change.is,
            "reason": change.reason,
            "log": change.log,
        });
        self.lines.push_back(line.to_string());
        if self.lines.len() > LISTED_CHANGES {
            self.lines.pop_front();
        }
        let text: String = self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        storage::write_whole(&self.folder.join(CHANGES), &text)
    }

    /// A log's path from the watch's folder.
    pub fn relative(&self, log: &Path) -> String {
        log.strip_prefix(&*self.folder).unwrap_or(log).display().to_string()
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(FOLDER).join(format!("round-{number:06}.ndjson"))
    }
}

/// The number in a log's name; `None` for other files.
fn number(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix("round-")?.strip_suffix(".ndjson")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_logs_make_room_but_for_those_of_changes() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |logs: &mut Logs| fs::write(logs.next().expect("room"), "x").expect("a file");
        let open = || Logs::open(OwnFolder::claim(folder.path()).expect("nobody is there"), 3).expect("a folder");
        let mut logs = open();
        for round in 1..=6 {
            write(&mut logs);
            if round == 2 {
                logs.changed(&NotedChange { at: "", was: None, is: Verdict::Fail, reason: "", log: "" }).expect("a list");
            }
        }
        let there = |folder: &Path| {
            let mut names: Vec<u64> =
                fs::read_dir(folder.join(FOLDER)).expect("a folder").filter_map(|entry| number(&entry.expect("an entry").path())).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(there(folder.path()), [2, 4, 5, 6]);
        drop(logs);
        let mut later = open();
        write(&mut later);
        assert_eq!((there(folder.path()), later.number()), (vec![5, 6, 7], 7), "a later watch goes on");
        assert_eq!(later.lines.len(), 1);
    }
}
