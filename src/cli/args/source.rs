//! What a target file can be made from: curl commands, a recording, a document.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// What somebody has in place of a target file.
#[derive(Debug, Clone, Default, Args)]
pub struct SourceArgs {
    /// A file with two commands: the POST that starts a job, and the GET of its status, as curl commands ("Copy as cURL"), for
    /// PowerShell or as fetch; `-` for standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, group = "deployment", group = "source")]
    pub curl: Option<PathBuf>,
    /// An HTTP Archive from a browser's network tab, saved with its contents
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, group = "deployment", group = "source")]
    pub har: Option<PathBuf>,
    /// Where the id stands in the POST's answer: a JSON pointer such as /job/id, or Location
    #[arg(long, value_name = "POINTER", requires = "source")]
    pub id: Option<String>,
    /// The id as it stands in the request for the status
    #[arg(long, value_name = "TEXT", requires = "source")]
    pub id_in_url: Option<String>,
    /// Which commands are meant where there are more than two: the numbers of the POST and of the GET, such as 1,3
    #[arg(long, value_name = "N,N", requires = "source")]
    pub calls: Option<String>,
    /// The target's name [default: from the address]
    #[arg(long, value_name = "NAME", requires = "source")]
    pub name: Option<String>,
}
