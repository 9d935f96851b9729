//! From a prepared request to a line in the log.

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use crate::model::answer::{Answer, State, TransportFault};
use crate::model::denial_word::reads_as_denial;
use crate::model::exchange::{Exchange, Kind, Purpose};
use crate::model::text::Text;
use crate::probe::pace::retry_after;
use crate::probe::recorded::{Recorded, digest};
use crate::probe::request_meta::RequestMeta;
use crate::probe::runner::{Observation, Probe};
use crate::probe::transport::{Lane, Limits, Prepared, Unsendable};
use crate::target::{Reply, Request, RequestError};

impl Probe {
    /// Sends one request and records what came of it: the only way from a plan to a line in the log. `read` may return more than the
    /// log holds. Boxed, or every scan in flight would reserve its size.
    pub(crate) fn send_recorded<T>(
        &self,
        meta: RequestMeta,
        lane: &Lane,
        request: &Result<Prepared, Unsendable>,
        read: impl FnOnce(&Reply<'_>) -> (Recorded, T),
    ) -> Pin<Box<impl Future<Output = (Exchange, Option<T>)>>> {
        Box::pin(async move {
            if self.slows_down() && meta.is_due() && !self.pace.holds_back() {
                self.strain.leaves(meta.planned(), self.clock.now());
            }
            // Before it is its turn: what is sent must not wait for it.
            let traced = request.as_ref().map(|request| self.transport.traced(request));
            self.pace.turn(&self.clock, meta.urgency()).await;
            let sent = self.clock.now();
            let mut exchange = meta.begin(sent);
            let request = match &traced {
                Ok((request, own)) => {
                    exchange.trace = *own;
                    &**request
                }
                Err(error) => {
                    exchange.fault = Some(TransportFault::Request);
                    exchange.body = Some(self.recorder.excerpt(error.to_string().as_bytes()).into());
                    self.recorder.trace(&exchange, None, None);
                    self.record(&exchange);
                    return (exchange, None);
                }
            };
            let outcome = self.transport.exchange(lane, request, self.limits(meta.kind()), &self.clock).await;
            exchange.first_byte = outcome.first_byte.into();
            // The head may have been read without the kernel's stamp, and the rest with one from before that.
            exchange.done = outcome.first_byte.map_or(outcome.done, |first_byte| first_byte.max(outcome.done));
            exchange.conn = outcome.conn.into();
            exchange.new_conn = outcome.new_conn;
            let mut more = None;
            match &outcome.reply {
                Err(fault) => {
                    exchange.fault = Some(*fault);
                    exchange.body = outcome.broken.map(Text::from);
                }
                Ok(received) => {
                    self.was_reached.store(true, Ordering::Relaxed);
                    let reply = Reply { http: received.http, headers: &received.headers, body: &received.body };
                    let (Recorded { reading, id, seen, kind, asked_at }, extra) = read(&reply);
                    more = Some(extra);
                    if let Some((kind, purpose)) = kind {
                        (exchange.kind, exchange.purpose) = (kind, purpose);
                    } else if received.http == 401 && meta.renews() {
                        exchange.purpose = Purpose::Expired;
                    }
                    let of_scan = meta.secrets();
                    let without = |text: String| of_scan.map_or(text.clone(), |secrets| secrets.clean(text));
                    let clean = |text| Text::from(self.recorder.without_secrets(without(text)));
                    let word = |text| Text::from(self.recorder.word(without(text)));
                    exchange.id = id.map(clean).or(exchange.id);
                    exchange.seen = seen;
                    exchange.http = Some(received.http);
                    exchange.answer = reading.answer;
                    // Visible, and no state says so: what the body says instead goes into the log for whoever reads it.
                    let is_doubtful = exchange.kind == Kind::Poll
                        && exchange.answer == Answer::Visible
                        && reading.state == Some(State::Unknown)
                        && reading.word.as_deref().is_none_or(reads_as_denial);
                    exchange.state = reading.state;
                    exchange.word = reading.word.map(word);
                    exchange.progress = reading.progress.into();
                    exchange.echo = reading.echo.map(clean);
                    exchange.complete = reading.complete;
                    exchange.created = reading.created.and_then(|created| u64::try_from(created).ok()).into();
                    exchange.worker = crate::target::worker(&received.headers).or(asked_at).map(word);
                    exchange.cache = crate::target::cache_note(&received.headers).map(|note| Text::from(self.recorder.note(note)));
                    exchange.digest = Some(digest(&received.body));
                    let wait = received.headers.get(http::header::RETRY_AFTER);
                    if exchange.answer == Answer::Throttled || received.http == 503 && wait.is_some() {
                        self.pace.pause(exchange.kind, self.clock.now(), wait.and_then(|wait| self.wait(wait, &received.headers)));
                    } else {
                        self.pace.answered(exchange.kind);
                    }
                    if is_doubtful || meta.is_unexpected(exchange.answer) {
                        let why = reading.reason.map_or_else(String::new, |reason| format!("[{}] ", self.recorder.note(without(reason))));
                        exchange.body = Some((why + &self.recorder.excerpt_without(&received.body, of_scan)).into());
                    }
                }
            }
            self.recorder.trace(&exchange, Some(request), outcome.reply.as_ref().ok());
            self.record(&exchange);
            (exchange, more)
        })
    }

    /// How long an exchange may take: a status request longer than others, where the target holds it on purpose.
    fn limits(&self, kind: Kind) -> Limits {
        let is_status = matches!(kind, Kind::Poll | Kind::ForeignPoll | Kind::UnknownPoll);
        Limits { usual: self.options.timeout, held: if is_status { self.target.long_poll() } else { Duration::ZERO } }
    }

    /// The pause that a `Retry-After` asks for.
    fn wait(&self, value: &http::HeaderValue, headers: &http::HeaderMap) -> Option<Duration> {
        // An instant without the target's own clock beside it is compared with ours, which has no meaning on virtual time.
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok().filter(|_| !self.clock.is_virtual());
        let date = headers.get(http::header::DATE).and_then(|date| date.to_str().ok());
        retry_after(value.to_str().ok()?, date, wall.unwrap_or_default())
    }

    /// Does everything for a request that can be done before its time has come.
    pub(crate) fn prepare(&self, request: Result<Request, RequestError>) -> Result<Prepared, Unsendable> {
        self.transport.prepare(request?)
    }

    fn record(&self, exchange: &Exchange) {
        self.recorder.exchange(exchange);
        self.side_by_side.exchange(exchange);
        self.see(exchange.scenario, Observation::Exchange(exchange));
    }
}
