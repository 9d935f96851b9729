//! The ordinary client, set up for a target.

use std::time::Duration;

use crate::client::{Client, ClientError, ClientOptions, Redirects};
use crate::draft::with_reply;
use crate::probe::{Certificates, tls_for_others};
use crate::run::RunError;
use crate::target::{Target, Variables};

/// A client with a pool of its own, which trusts whom the probe trusts.
pub fn client(base_url: &str, certificates: &Certificates, timeout: Duration) -> Result<Client, RunError> {
    let tls = tls_for_others(certificates)?;
    let socket = base_url.strip_prefix("unix:").map(Into::into);
    Ok(Client::new(ClientOptions { tls, timeout, redirects: Redirects::Taken, socket })?)
}

/// Whether one plain request tells how a job stands: no pages to look on at, and no cookies to be kept.
pub fn is_plain(target: &Target) -> bool {
    !target.keeps_cookies() && target.most_pages() <= 1
}

/// Logs in and takes the steps before the POST, as far as the target has any: what they gave stands in the variables. `None` if one of
/// them failed.
pub async fn prepared(client: &Client, target: &Target, mut variables: Variables) -> Option<Variables> {
    for nth in 0..target.logins() {
        let answer = client.ask(&target.login(nth, &variables)?.ok()?).await.ok()?;
        let session = with_reply(&answer, |reply| target.read_login(nth, reply)).ok()?;
        variables.captured = variables.captured.with(&session.captured);
    }
    for step in 0..target.setups() {
        let answer = client.ask(&target.setup(step, &variables)?.ok()?).await.ok()?;
        variables.captured = with_reply(&answer, |reply| target.read_setup(step, reply, &variables)).ok()?;
    }
    Some(variables)
}

impl From<ClientError> for RunError {
    fn from(error: ClientError) -> RunError {
        let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
        RunError::refused(format!("{error}{cause}"), "check the proxy variables (HTTP_PROXY, HTTPS_PROXY), and the system's certificates")
    }
}
