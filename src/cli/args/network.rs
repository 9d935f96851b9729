//! The options of how requests travel to a deployment: time limits, TLS, HTTP's version, and by what they are known.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::args::some_time;
use crate::cli::error::CliError;
use crate::model::run::HttpVersion;
use crate::model::time::Span;
use crate::probe::{Certificates, NetworkOptions, Pem, Proxies};
use crate::target::Target;

/// How requests travel to a deployment.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Network")]
pub struct NetworkArgs {
    /// The longest that opening a connection may take, with name, proxy and TLS [default: as long as the exchange]
    #[arg(long, value_name = "TIME", value_parser = some_time, requires = "deployment")]
    pub connect_timeout: Option<Span>,
    /// The longest that the first byte of a reply may take once the connection is open [default: as long as the exchange]
    #[arg(long, value_name = "TIME", value_parser = some_time, requires = "deployment")]
    pub first_byte_timeout: Option<Span>,
    /// Speaks HTTP/2: agreed on over https, at once (prior knowledge) over http
    #[arg(long, requires = "deployment")]
    pub http2: bool,
    /// Certificates (PEM) of authorities that are trusted beside the system's; `SSL_CERT_FILE` replaces the system's
    #[arg(long, value_name = "FILE", requires = "deployment")]
    pub ca_cert: Option<PathBuf>,
    /// The certificate (PEM) that the target is shown, with the chain above it
    #[arg(long, value_name = "FILE", requires = "deployment")]
    pub client_cert: Option<PathBuf>,
    /// Its private key (PEM) [default: in the certificate's file]
    #[arg(long, value_name = "FILE", requires_all = ["deployment", "client_cert"])]
    pub client_key: Option<PathBuf>,
    /// The name that requests carry in User-Agent [default: statusgap/VERSION]
    #[arg(long, value_name = "TEXT", requires = "deployment")]
    pub user_agent: Option<String>,
    /// Sends no X-Statusgap-Run header, by which a target's logs can tell a run's requests
    #[arg(long, requires = "deployment")]
    pub no_run_header: bool,
}

impl NetworkArgs {
    /// These options for one target; `named` is its file, beside which the files stand that it names.
    pub fn options(&self, target: &Target, named: &str, run_id: &str) -> Result<NetworkOptions, CliError> {
        let usual = NetworkOptions::default();
        Ok(NetworkOptions {
            version: self.version(target),
            connect_limit: self.connect_timeout.map(|span| span.0),
            first_byte_limit: self.first_byte_timeout.map(|span| span.0),
            user_agent: self.user_agent.clone().unwrap_or(usual.user_agent),
            run_id: (!self.no_run_header).then(|| run_id.to_owned()),
            trace_ids: usual.trace_ids,
            certificates: self.certificates(target, named)?,
            proxies: proxies(&|name| std::env::var(name).ok()),
        })
    }

    fn version(&self, target: &Target) -> HttpVersion {
        if self.http2 { HttpVersion::Two } else { target.http() }
    }

    /// The named option, or else the target file's key.
    fn certificates(&self, target: &Target, named: &str) -> Result<Certificates, CliError> {
        let files = target.tls();
        let beside = Path::new(named).parent().unwrap_or(Path::new(""));
        let pem = |option: Option<&PathBuf>, key: Option<&String>| -> Result<Option<Pem>, CliError> {
            let Some(path) = option.cloned().or_else(|| key.map(|key| beside.join(key))) else { return Ok(None) };
            let text = std::fs::read(&path).map_err(|source| CliError::file("read", &path, source))?;
            Ok(Some(Pem { file: path.display().to_string(), text }))
        };
        // A certificate that was named by an option does not take the file's key.
        let key = if self.client_cert.is_some() { None } else { files.client_key.as_ref() };
        Ok(Certificates {
            authorities: pem(self.ca_cert.as_ref(), files.ca.as_ref())?,
            client: pem(self.client_cert.as_ref(), files.client_cert.as_ref())?,
            client_key: pem(self.client_key.as_ref(), key)?,
        })
    }
}

/// What the environment says of proxies, in upper or lower case.
fn proxies(lookup: &dyn Fn(&str) -> Option<String>) -> Proxies {
    let either = |name: &str| lookup(name).or_else(|| lookup(&name.to_lowercase())).filter(|value| !value.is_empty());
    // In a CGI program HTTP_PROXY comes from whoever sends a request with a header `Proxy`.
    let http = if lookup("REQUEST_METHOD").is_some() { lookup("http_proxy") } else { either("HTTP_PROXY") };
    Proxies { http, https: either("HTTPS_PROXY"), all: either("ALL_PROXY"), none_for: either("NO_PROXY") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_named_in_upper_or_lower_case_and_not_by_a_request() {
        let of = |set: &'static [(&'static str, &'static str)]| {
            proxies(&|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(of(&[("HTTP_PROXY", "a"), ("http_proxy", "b")]).http.as_deref(), Some("a"));
        assert_eq!(of(&[("https_proxy", "b")]).https.as_deref(), Some("b"));
        assert_eq!(of(&[("HTTP_PROXY", "")]).http, None);
        assert_eq!(of(&[("HTTP_PROXY", "a"), ("REQUEST_METHOD", "GET")]).http, None, "a header named Proxy must not redirect us");
        assert_eq!(of(&[("no_proxy", "*")]).none_for.as_deref(), Some("*"));
    }
}
