//! A change of the verdict, posted to an address: a chat's or an incident tool's webhook.

use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::error::CliError;
use crate::cli::sources::for_posts;
use crate::cli::terminal::output;
use crate::client::Client;
use crate::model::call::Call;
use crate::report::watch_status::ChangeRow;
use crate::verdict::Verdict;

/// What is posted whenever the verdict of a watch changes.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Posted {
    /// `statusgap.change/1`
    schema: &'static str,
    /// All of it in one line, by the name under which chats take it.
    text: String,
    /// The target's name.
    target: String,
    /// Its address, without credentials.
    base_url: String,
    /// The verdict from now on.
    verdict: Verdict,
    /// The verdict before; `null` at the beginning.
    was: Option<Verdict>,
    /// Why, in one line.
    reason: String,
    /// When the round began that changed it, RFC 3339 in UTC.
    at: String,
    /// The log of that round, from the watch's folder.
    log: String,
}

impl Posted {
    /// What is said of a change. Its texts have had the target's secrets struck out when they were recorded.
    pub fn of(change: &ChangeRow, target: &str, base_url: &str) -> Posted {
        let was = change.was.map_or_else(String::new, |was| format!(" (was {})", was.word()));
        Posted {
            schema: "statusgap.change/1",
            text: format!("{} {target}{was}: {}", change.is.word().to_uppercase(), change.reason),
            target: target.to_owned(),
            base_url: base_url.to_owned(),
            verdict: change.is,
            was: change.was,
            reason: change.reason.clone(),
            at: change.at.told.clone(),
            log: change.log.clone(),
        }
    }
}

/// Where changes are posted.
pub struct Post {
    client: Client,
    url: String,
    /// The address without what may let its bearer in: of a webhook, that is the whole path.
    shown: String,
}

impl Post {
    /// Posts to this address.
    pub fn to(url: &str) -> Result<Post, CliError> {
        let parsed = url::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(parsed) = parsed else {
            // It may be a mistyped secret, and is not repeated.
            return Err(CliError::usage("--post is not an http or https address", "write --post https://host/path"));
        };
        Ok(Post { client: for_posts()?, url: url.to_owned(), shown: parsed.origin().ascii_serialization() })
    }

    /// Posts a change. That it fails is noted, and changes nothing else.
    pub async fn send(&self, posted: &Posted) {
        let call = Call {
            method: "POST".to_owned(),
            url: self.url.clone(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            // Plain data always has a text.
            body: Some(serde_json::to_string(posted).unwrap_or_default()),
            answer: None,
            line: None,
        };
        match self.client.send(&call).await {
            Ok(answer) if answer.is_success() => {}
            Ok(answer) => output::eprint_note(&format!("note: --post: {} answered {}", self.shown, answer.http)),
            Err(error) => output::eprint_note(&format!("note: --post: {} got no answer: {error}", self.shown)),
        }
    }
}
