//! Files and folders that a run writes. What looks whole is whole: written beside, then renamed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufWriter, ErrorKind, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::cli::complaint::Complaint;
use crate::log::LogWriter;
use crate::model::run::Run;
use crate::report::Format;

/// The log's name in a run's folder.
pub const LOG: &str = "log.ndjson";

/// The result's, for programs.
pub const RESULT: &str = "result.json";

/// The report's, in markdown.
pub const REPORT: &str = "report.md";

/// The report's, as a page.
pub const PAGE: &str = "report.html";

/// The name of the script that shows a fault with curl.
pub const SCRIPT: &str = "repro.sh";

/// The name of the note that says why there is no script, in its place.
pub const NO_SCRIPT: &str = "repro.txt";

/// The comparison with another run, for programs.
pub const COMPARISON: &str = "comparison.json";

/// The same in markdown.
pub const COMPARISON_TEXT: &str = "comparison.md";

/// The name of the requests as an HTTP Archive.
pub const ARCHIVE: &str = "requests.har";

/// A folder that no other statusgap writes into for as long as this value lives.
#[derive(Debug)]
pub struct OwnFolder {
    path: PathBuf,
    /// The folder itself, locked. The system takes the lock back when the process ends, however it ends, and no file is left behind.
    /// `None` where folders cannot be locked, as on some network file systems: there the run's id in the log, which is compared when
    /// the log is read back, is all that shows that another run came between.
    _locked: Option<File>,
}

impl OwnFolder {
    /// Creates the folder if it is not there, and locks it, or says that another statusgap is writing there.
    pub fn claim(path: &Path) -> Result<OwnFolder, Complaint> {
        fs::create_dir_all(path).map_err(|source| Complaint::file("create the folder", path, source))?;
        // One that may not be read cannot be locked; whether it can be written to, creating files in it says.
        let folder = File::open(path).ok();
        if let Some(folder) = &folder {
            lock(folder, || format!("another statusgap is writing into {}", path.display()))?;
        }
        Ok(OwnFolder { path: path.to_path_buf(), _locked: folder })
    }
}

impl Deref for OwnFolder {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

/// Locks a file or a folder, or complains if another process has it locked. Where there are no locks, nothing is locked.
fn lock(file: &File, taken: impl Fn() -> String) -> Result<(), Complaint> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Complaint::usage(taken(), "wait until it has ended, or name another place with --out")),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// The folder of a run: the one that was asked for, or a new one below `reports`.
pub fn run_folder(asked: Option<&Path>, started: &str, name: &str) -> Result<OwnFolder, Complaint> {
    if let Some(asked) = asked {
        return OwnFolder::claim(asked);
    }
    let usual = PathBuf::from("reports").join(format!("{}-{}", compact(started), safe(name)));
    // Two runs that start in the same second are no reason to refuse one of them.
    let others = (2..=MOST_AT_ONCE).map(|n| usual.with_extension(n.to_string()));
    let mut refused = None;
    for folder in std::iter::once(usual.clone()).chain(others) {
        match OwnFolder::claim(&folder) {
            Err(complaint @ Complaint::Usage { .. }) => refused = Some(complaint),
            claimed => return claimed,
        }
    }
    Err(refused.unwrap_or_else(|| Complaint::usage("no folder is free", "name one with --out")))
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

/// Begins the log of a run in its folder. Under its own name a log has its header, whenever the run is killed; and what an earlier
/// run left in the folder is gone, since beside this log it would look like this run's result.
pub fn begin_log(folder: &Path, header: &Run) -> Result<LogWriter, Complaint> {
    clear(folder)?;
    let path = folder.join(LOG);
    let part = part_of(&path);
    let log = LogWriter::begin(Box::new(create(&part)?), header).map_err(|error| Complaint::recording(&path, error))?;
    fs::rename(&part, &path).map_err(|source| Complaint::file("create", &path, source))?;
    Ok(log)
}

/// Removes what an earlier run left in a folder. Files whose names many programs use are only removed where a run wrote before.
pub fn clear(folder: &Path) -> Result<(), Complaint> {
    let was_a_run = folder.join(LOG).exists() || folder.join(RESULT).exists();
    let also = Format::ALL.iter().map(|format| format.file_name()).chain([COMPARISON, COMPARISON_TEXT]).filter(|_| was_a_run);
    for name in [LOG, RESULT, REPORT, PAGE, SCRIPT, NO_SCRIPT, ARCHIVE].into_iter().chain(also) {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => return Err(Complaint::file("replace", &path, source)),
            _ => {}
        }
    }
    Ok(())
}

/// Creates a file that grows while the run goes on, and that no other statusgap writes to meanwhile: it is emptied only when it is
/// locked.
pub fn create(path: &Path) -> Result<File, Complaint> {
    let failed = |source| Complaint::file("create", path, source);
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(failed)?;
    // A device or a pipe may be shared.
    if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        lock(&file, || format!("another statusgap is writing {}", path.display()))?;
        file.set_len(0).map_err(failed)?;
    }
    Ok(file)
}

/// Writes a whole file: under another name first, so that nobody ever reads half of it.
pub fn write_whole(path: &Path, text: &str) -> Result<(), Complaint> {
    write_streamed(path, |out| out.write_all(text.as_bytes()))
}

/// The same for a text that is not held in memory.
pub fn write_streamed(path: &Path, text: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) -> Result<(), Complaint> {
    let part = part_of(path);
    let write = || -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(&part)?);
        text(&mut file)?;
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&part, path)
    };
    write().map_err(|source| {
        // The part is of no use to anybody; that it cannot be removed would be the lesser complaint.
        let _ = fs::remove_file(&part);
        Complaint::file("write", path, source)
    })
}

/// The name of a file that is not whole yet: no other process has the same.
fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_writer_at_a_time() {
        let top = tempfile::tempdir().expect("a folder");
        let path = top.path().join("deep/gap");
        let held = OwnFolder::claim(&path).expect("nobody is there");
        let refused = OwnFolder::claim(&path).expect_err("somebody is there").to_string();
        assert!(refused.contains("another statusgap is writing into") && refused.contains("gap"), "{refused}");
        drop(held);
        assert!(OwnFolder::claim(&path).is_ok(), "its lock went with the writer");
        assert_eq!(fs::read_dir(&path).expect("a folder").count(), 0, "a lock leaves nothing behind");
    }

    #[test]
    fn a_log_is_emptied_only_by_its_one_writer() {
        let top = tempfile::tempdir().expect("a folder");
        let path = top.path().join("x.ndjson");
        let mut held = create(&path).expect("nobody writes it");
        held.write_all(b"a line").expect("room");
        assert!(create(&path).expect_err("somebody writes it").to_string().contains("another statusgap is writing"));
        assert_eq!(fs::read_to_string(&path).expect("a file"), "a line");
        drop(held);
        create(&path).expect("nobody writes it any more");
        assert_eq!(fs::read_to_string(&path).expect("a file"), "");
        assert!(create(Path::new("/dev/null")).is_ok() && create(Path::new("/dev/null")).is_ok(), "a device is everybody's");
    }

    #[test]
    fn what_many_programs_call_alike_is_removed_only_beside_a_log() {
        let top = tempfile::tempdir().expect("a folder");
        let other = top.path().join("junit.xml");
        fs::write(&other, "another program's").expect("a file");
        clear(top.path()).expect("a folder");
        assert!(other.exists());
        fs::write(top.path().join(LOG), "").expect("a file");
        clear(top.path()).expect("a folder");
        assert!(!other.exists() && !top.path().join(LOG).exists(), "an earlier run's");
    }
}
