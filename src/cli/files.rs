//! Files and folders that a run writes. What looks whole is whole: written beside, then renamed.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::cli::complaint::Complaint;
use crate::log::LogWriter;
use crate::model::run::Run;

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

/// The name of the requests as an HTTP Archive.
pub const ARCHIVE: &str = "requests.har";

/// The folder of a run: the one that was asked for, or a new one below `reports`.
pub fn run_folder(asked: Option<&Path>, started: &str, name: &str) -> Result<PathBuf, Complaint> {
    let folder = asked.map_or_else(|| PathBuf::from("reports").join(format!("{}-{}", compact(started), safe(name))), Path::to_path_buf);
    fs::create_dir_all(&folder).map_err(|source| Complaint::file("create the folder", &folder, source))?;
    Ok(folder)
}

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
    for name in [LOG, RESULT, REPORT, PAGE, SCRIPT, NO_SCRIPT, ARCHIVE] {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => return Err(Complaint::file("replace", &path, source)),
            _ => {}
        }
    }
    let path = folder.join(LOG);
    let part = part_of(&path);
    let log = LogWriter::begin(Box::new(create(&part)?), header).map_err(|error| Complaint::recording(&path, error))?;
    fs::rename(&part, &path).map_err(|source| Complaint::file("create", &path, source))?;
    Ok(log)
}

/// Creates a file that grows while the run goes on.
pub fn create(path: &Path) -> Result<File, Complaint> {
    File::create(path).map_err(|source| Complaint::file("create", path, source))
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

/// The name of a file that is not whole yet.
fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}
