//! The ordinary client, set up for what commands ask with it.

use std::time::Duration;

use crate::cli::error::CliError;
use crate::client::{Client, ClientError, ClientOptions, Redirects};
use crate::draft::Draft;
use crate::probe::{Certificates, NetworkError, Pem, tls_for_others};
use crate::run::RunError;

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> CliError {
        let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
        CliError::usage(format!("{error}{cause}"), "check the proxy variables (HTTP_PROXY, HTTPS_PROXY), and the system's certificates")
    }
}

impl From<NetworkError> for CliError {
    fn from(error: NetworkError) -> CliError {
        RunError::from(error).into()
    }
}

/// How long an unanswered request is waited for.
const TIMEOUT: Duration = Duration::from_secs(10);

/// For documents: redirects are followed.
pub fn for_documents() -> Result<Client, CliError> {
    anywhere(Redirects::Followed)
}

/// For what is posted: a redirect would turn it into a GET.
pub fn for_posts() -> Result<Client, CliError> {
    anywhere(Redirects::Taken)
}

fn anywhere(redirects: Redirects) -> Result<Client, CliError> {
    let tls = tls_for_others(&Certificates::default())?;
    Ok(Client::new(ClientOptions { tls, timeout: TIMEOUT, redirects, socket: None })?)
}

/// For a target that is about to be described, with the certificates that its commands name.
pub fn client_for(draft: &Draft) -> Result<Client, CliError> {
    let [authorities, client, client_key] = &draft.certificates;
    let pem = |file: &Option<String>| -> Result<Option<Pem>, CliError> {
        let Some(file) = file else { return Ok(None) };
        let text = std::fs::read(file).map_err(|source| CliError::file("read", std::path::Path::new(file), source))?;
        Ok(Some(Pem { file: file.clone(), text }))
    };
    let tls = tls_for_others(&Certificates { authorities: pem(authorities)?, client: pem(client)?, client_key: pem(client_key)? })?;
    Ok(Client::new(ClientOptions { tls, timeout: TIMEOUT, redirects: Redirects::Taken, socket: None })?)
}
