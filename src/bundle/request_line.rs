//! What a request is called in a sentence: its method and path, with placeholders for what differs from job to job.

use crate::model::run::Run;
use crate::target::{Caller, LoggedRequest, LoggedTarget};

/// The initiate, such as `POST /jobs`; `None` if the log's target file cannot be read.
pub fn initiate_line(run: &Run) -> Option<String> {
    let logged = LoggedTarget::read(&run.target)?;
    Some(line(&logged, &logged.initiate().ok()?))
}

/// A status poll, such as `GET /jobs/{id}`; `None` if the log's target file does not say it.
pub fn status_line(run: &Run) -> Option<String> {
    let logged = LoggedTarget::read(&run.target)?;
    Some(line(&logged, &logged.status(Caller::Owner).ok()?))
}

fn line(logged: &LoggedTarget, request: &LoggedRequest) -> String {
    format!("{} {}", request.method, logged.written(&request.path))
}
