//! What polls need beside a request: the address that is handed out next, the next page of a list, and what a reply says "as before" of.

use http::header::ETAG;

use crate::model::exchange::Route;

use super::captured::About;
use super::reading::IdSource;
use super::request::Filling;
use super::selector::{Extract, Opened};
use super::{Accepted, Caller, FOREIGN, Reply, Request, RequestError, Target, Variables};

/// Where an address to poll is handed out.
#[derive(Debug, Clone)]
pub(super) struct Follow {
    pub(super) from: Extract,
    /// Added to the end of its path.
    pub(super) suffix: String,
    /// Whether status replies hand out the next one.
    pub(super) chain: bool,
}

/// Where a list goes on.
#[derive(Debug, Clone)]
pub(super) struct Pages {
    pub(super) next: Extract,
    pub(super) most: u32,
}

impl Follow {
    /// The address with its suffix, which goes before a query.
    pub(super) fn complete(&self, address: &str) -> String {
        if self.suffix.is_empty() {
            return address.to_owned();
        }
        let end = address.find(['?', '#']).unwrap_or(address.len());
        let (path, rest) = address.split_at(end);
        format!("{}{}{rest}", path.trim_end_matches('/'), self.suffix)
    }
}

impl Target {
    /// The address that a status reply hands out for the next poll; `None` where there is none, and where the file does not say to use
    /// it.
    pub fn next_address(&self, reply: &Reply<'_>, about: About<'_>) -> Option<String> {
        let follow = self.status.follow.as_ref().filter(|follow| follow.chain)?;
        follow.from.text(&Opened::new(reply), about).filter(|address| !address.is_empty()).map(|address| follow.complete(&address))
    }

    /// How many pages of a list one poll looks at, at most; 1 where status is not a list.
    pub fn most_pages(&self) -> u32 {
        self.status.pages.as_ref().map_or(1, |pages| pages.most)
    }

    /// The request for the page after this one; `None` on the last.
    pub fn next_page(
        &self,
        reply: &Reply<'_>,
        variables: &Variables,
        caller: Caller,
        accepted: &Accepted,
    ) -> Option<Result<Request, RequestError>> {
        let pages = self.status.pages.as_ref()?;
        let next = pages.next.text(&Opened::new(reply), About::scan(&accepted.id, variables)).filter(|next| !next.is_empty())?;
        let user = match caller {
            Caller::Owner => self.status.endpoint.user.as_str(),
            Caller::Foreign => FOREIGN,
        };
        Some(self.ask_about(&self.status, Filling { variables, user, id: &accepted.id }, Some(&next), Some(Route::HandedOut)))
    }

    /// Whether status replies hand out the address of the next poll.
    pub fn chains(&self) -> bool {
        self.status.follow.as_ref().is_some_and(|follow| follow.chain)
    }

    /// Whether cookies of a scan go along with any of its requests.
    pub fn keeps_cookies(&self) -> bool {
        let reads = [Some(&self.status), self.witness.as_ref(), self.results.as_ref()];
        let of_reads = reads.into_iter().flatten().map(|read| &read.endpoint);
        let of_steps = self.setup.iter().map(|step| &step.endpoint);
        let of_writes = self.writes.values().map(|write| &write.endpoint);
        of_reads.chain(of_steps).chain(of_writes).chain([&self.initiate]).any(|endpoint| endpoint.cookies)
    }

    /// All addresses at which endpoints live, the usual one first.
    pub fn addresses(&self) -> Vec<&str> {
        let reads = [Some(&self.status), self.witness.as_ref(), self.results.as_ref()];
        let of_reads = reads.into_iter().flatten().map(|read| &read.endpoint);
        let of_steps = self.logins.iter().map(|login| &login.step).chain(&self.setup).map(|step| &step.endpoint);
        let of_writes = self.writes.values().map(|write| &write.endpoint);
        let endpoints = of_reads.chain(of_steps).chain(of_writes).chain([&self.initiate]).chain(&self.filler);
        let own = endpoints.flat_map(|endpoint| &endpoint.bases).map(super::address::Base::text);
        [self.base_url()].into_iter().chain(own).collect()
    }

    /// Whether polls ask only for what has changed.
    pub fn is_conditional(&self) -> bool {
        self.status.conditional
    }

    /// What a later poll repeats, to be told only what has changed since.
    pub fn entity_tag(&self, reply: &Reply<'_>) -> Option<String> {
        let tag = reply.headers.get(ETAG).filter(|_| self.status.conditional && (200..300).contains(&reply.http))?;
        Some(tag.to_str().ok()?.to_owned())
    }

    /// Whether each poll is another request than the one before: it needs a number of its own, or is for the next of several addresses.
    pub fn polls_by_turns(&self) -> bool {
        self.status.endpoint.bases.len() > 1
    }

    /// The host of the address that a request at this turn is for, where there are several.
    pub fn asked_at(&self, turn: u32) -> Option<String> {
        let bases = &self.status.endpoint.bases;
        (bases.len() > 1).then(|| {
            let text = bases[turn as usize % bases.len()].text();
            text.split_once("://").map_or(text, |(_, rest)| rest).to_owned()
        })
    }

    /// Whether each scan is polled once before it is asked for.
    pub fn asks_before(&self) -> bool {
        self.status.ask_before
    }

    /// Whether the client gives a scan its id.
    pub fn client_gives_ids(&self) -> bool {
        matches!(self.initiate_reader.id, IdSource::OfTheClient(_))
    }

    /// Whether a scan whose initiate failed is looked for.
    pub fn looks_for_orphans(&self) -> bool {
        self.orphan
    }

    /// What a scan that was not accepted yet, or never, goes by: the id that the client gives it. `None` where the target gives ids.
    pub fn before_acceptance(&self, variables: &Variables) -> Option<Accepted> {
        let id = self.initiate_reader.client_id(variables)?;
        Some(Accepted { id, captured: variables.captured.clone(), ..Accepted::default() })
    }
}
