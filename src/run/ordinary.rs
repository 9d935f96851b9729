//! The ordinary client, set up for a target.

use std::time::Duration;

use crate::client::{Client, ClientError, ClientOptions, Redirects};
use crate::probe::{Certificates, tls_for_others};
use crate::run::RunError;

/// A client with a pool of its own, which trusts whom the probe trusts.
pub fn client(base_url: &str, certificates: &Certificates, timeout: Duration) -> Result<Client, RunError> {
    let tls = tls_for_others(certificates)?;
    let socket = base_url.strip_prefix("unix:").map(Into::into);
    Ok(Client::new(ClientOptions { tls, timeout, redirects: Redirects::Taken, socket })?)
}

impl From<ClientError> for RunError {
    fn from(error: ClientError) -> RunError {
        let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
        RunError::refused(format!("{error}{cause}"), "check the proxy variables (HTTP_PROXY, HTTPS_PROXY), and the system's certificates")
    }
}
