//! Polls that depend on the polls before them, or look at more than one reply: a chain of addresses, pages, conditional requests,
//! addresses by turns.

use std::sync::PoisonError;

use crate::model::answer::Answer;
use crate::model::exchange::{Exchange, Kind, Purpose};
use crate::probe::asking::Sender;
use crate::probe::recorded::Recorded;
use crate::probe::request_meta::RequestMeta;
use crate::probe::scan::Scan;
use crate::probe::transport::Lane;
use crate::target::{About, Accepted, Caller, Reading, Reply, Request, RequestError, Target, Variables, WriteKind};

/// What the polls of one scan hand on to each other.
#[derive(Debug, Default)]
pub(crate) struct PollState {
    /// The address that was handed out last.
    address: Option<String>,
    /// The last `ETag`, and what its reply said.
    known: Option<(String, Reading)>,
    /// How many polls there were.
    turn: u32,
}

/// What a poll's reply says of the next request.
struct Next {
    reading: Reading,
    tag: Option<String>,
    address: Option<String>,
    /// The next page, where the scan is not on this one.
    page: Option<Result<Request, RequestError>>,
}

/// Whether the polls of a target can all be prepared beforehand, as one request.
pub(crate) fn is_plain(target: &Target) -> bool {
    !target.has_login()
        && !target.keeps_cookies()
        && target.most_pages() < 2
        && !target.chains()
        && !target.is_conditional()
        && !target.polls_by_turns()
}

impl Scan<'_> {
    /// One poll: the request that the polls before it lead to, and the pages after its reply.
    pub(super) async fn poll_onward(&self, meta: RequestMeta, lane: &Lane, write: Option<WriteKind>) -> Exchange {
        let target = &self.probe().target;
        let (address, known, turn) = {
            let mut polls_so_far = self.polls_so_far.lock().unwrap_or_else(PoisonError::into_inner);
            polls_so_far.turn += 1;
            (polls_so_far.address.clone(), polls_so_far.known.clone(), polls_so_far.turn - 1)
        };
        let mut accepted = self.accepted.clone();
        accepted.handed_out = address.or(accepted.handed_out);
        let variables = Variables { turn, ..self.numbered() };
        let sender = Sender { variables: &variables, jar: self.jar.as_deref() };
        let build = |filled: &Variables| {
            let mut request = target.status(filled, Caller::Owner, &accepted, self.arm.route)?;
            request.headers.extend(known.iter().map(|(tag, _)| ("if-none-match".to_owned(), tag.clone())));
            Ok(request)
        };
        let most = target.most_pages();
        let read = |reply: &Reply<'_>, filled: &Variables| {
            let before = known.as_ref().filter(|_| reply.http == 304).map(|(_, reading)| reading.clone());
            self.read_poll(reply, filled, &accepted, before, write, most > 1)
        };
        let (mut exchange, mut next) = self.probe().ask(meta.clone(), lane, sender, build, read).await;
        let first_sent = exchange.sent;
        for page in 2..=most {
            let Some(request) = next.as_mut().and_then(|next| next.page.take()) else { break };
            let read = |reply: &Reply<'_>, filled: &Variables| self.read_poll(reply, filled, &accepted, None, write, page < most);
            // What was not on the first page may have come there since: the poll says what was so when it began.
            let meta = meta.clone().begun_at(first_sent);
            (exchange, next) = self.probe().ask(meta, lane, sender, |_| request.clone(), read).await;
        }
        if let Some(next) = next {
            let mut polls_so_far = self.polls_so_far.lock().unwrap_or_else(PoisonError::into_inner);
            polls_so_far.address = next.address.or(polls_so_far.address.take());
            polls_so_far.known = next.tag.map(|tag| (tag, next.reading)).or(polls_so_far.known.take());
        }
        exchange
    }

    fn read_poll(
        &self,
        reply: &Reply<'_>,
        filled: &Variables,
        accepted: &Accepted,
        before: Option<Reading>,
        write: Option<WriteKind>,
        may_go_on: bool,
    ) -> (Recorded, Next) {
        let target = &self.probe().target;
        let about = About::scan(&accepted.id, filled);
        let reading = before.unwrap_or_else(|| target.read_status(reply, about));
        let goes_on = may_go_on && reading.answer == Answer::NotFound;
        let page = if goes_on { target.next_page(reply, filled, Caller::Owner, accepted) } else { None };
        let seen = write.and_then(|write| target.read_write_seen(write, reply, about));
        let kind = page.is_some().then_some((Kind::Page, Purpose::Other));
        let noted = Recorded { seen, kind, asked_at: target.asked_at(filled.turn), ..Recorded::of(reading.clone()) };
        (noted, Next { reading, tag: target.entity_tag(reply), address: target.next_address(reply, about), page })
    }
}
