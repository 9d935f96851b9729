//! How logs are stored: opened, created under a lock, begun in a folder of their own. What looks whole is whole: written beside, then
//! renamed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufReader, BufWriter, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::log::{LogError, LogWriter, WriteError, read_sized};
use crate::model::run::{Journal, Run};

/// The log's name in a run's folder.
pub const LOG: &str = "log.ndjson";

/// Why a log, or what belongs to it, cannot be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// A file or folder cannot be read or written.
    #[error("cannot {action} {path}")]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Another process writes there.
    #[error("{0}")]
    Locked(String),
    /// The log could not be written on.
    #[error("stopped, because the log {log} could not be written")]
    Recording {
        /// The file.
        log: String,
        /// What the system said.
        #[source]
        source: WriteError,
    },
    /// The file is not a log.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl StorageError {
    /// A file error.
    pub fn file(action: &'static str, path: &Path, source: std::io::Error) -> StorageError {
        StorageError::File { action, path: path.display().to_string(), source }
    }

    /// A log that could not be written.
    pub fn recording(log: &Path, source: WriteError) -> StorageError {
        StorageError::Recording { log: log.display().to_string(), source }
    }
}

/// Opens a log, or the log in a run's folder.
pub fn open(path: &Path) -> Result<BufReader<File>, StorageError> {
    let path = &log_at(path);
    File::open(path).map(BufReader::new).map_err(|source| StorageError::file("open", path, source))
}

/// The log that is meant: a file, or the one in the folder of the run that wrote it.
pub fn log_at(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(LOG) } else { path.to_path_buf() }
}

/// Reads a log from a file, or from the folder of the run that wrote it.
pub fn read_file(path: &Path) -> Result<Journal, StorageError> {
    let path = log_at(path);
    let file = open(&path)?;
    let bytes = file.get_ref().metadata().map_or(0, |metadata| metadata.len());
    Ok(read_sized(&path.display().to_string(), file, bytes)?)
}

/// Begins the log of a run in its folder. Under its own name a log has its header, whenever the run is killed.
pub fn begin(folder: &Path, header: &Run) -> Result<LogWriter, StorageError> {
    let path = folder.join(LOG);
    let part = part_of(&path);
    let log = LogWriter::begin(Box::new(create(&part)?), header).map_err(|error| StorageError::recording(&path, error))?;
    fs::rename(&part, &path).map_err(|source| StorageError::file("create", &path, source))?;
    Ok(log)
}

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
    pub fn claim(path: &Path) -> Result<OwnFolder, StorageError> {
        fs::create_dir_all(path).map_err(|source| StorageError::file("create the folder", path, source))?;
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

/// Locks a file or a folder, or fails if another process has it locked. Where there are no locks, nothing is locked.
fn lock(file: &File, taken: impl Fn() -> String) -> Result<(), StorageError> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(StorageError::Locked(taken())),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// Creates a file that grows while the run goes on, and that no other statusgap writes to meanwhile: it is emptied only when it is
/// locked.
pub fn create(path: &Path) -> Result<File, StorageError> {
    let failed = |source| StorageError::file("create", path, source);
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(failed)?;
    // A device or a pipe may be shared.
    if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        lock(&file, || format!("another statusgap is writing {}", path.display()))?;
        file.set_len(0).map_err(failed)?;
    }
    Ok(file)
}

/// Writes a whole file: under another name first, so that nobody ever reads half of it.
pub fn write_whole(path: &Path, text: &str) -> Result<(), StorageError> {
    write_streamed(path, |out| out.write_all(text.as_bytes()))
}

/// The same for a text that is not held in memory.
pub fn write_streamed(path: &Path, text: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) -> Result<(), StorageError> {
    let part = part_of(path);
    let write = || -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(&part)?);
        text(&mut file)?;
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&part, path)
    };
    write().map_err(|source| {
        // The part is of no use to anybody; that it cannot be removed matters less.
        let _ = fs::remove_file(&part);
        StorageError::file("write", path, source)
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
}
