//! The logins of a run, mostly one: for all scans, made when it is first needed, and again when it has expired.
//!
//! Only one login is under way at a time; whoever needs it waits for it.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use crate::model::answer::Answer;
use crate::model::exchange::{Connection, Kind};
use crate::model::time::Stamp;
use crate::probe::recorded::Recorded;
use crate::probe::request_meta::RequestMeta;
use crate::probe::runner::Probe;
use crate::target::{Captured, Reading, Reply, Session, Variables};

/// A login is made anew when this share of its time is over, so that it does not expire under way.
const RENEWED_AFTER: f64 = 0.8;

/// A 401 to a younger login than this is not taken for its end: a service that answers every request so would be asked for a login
/// each time.
const YOUNGEST_EXPIRED: Duration = Duration::from_secs(1);

/// After a login that failed, nobody tries again for so long.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// The logins that all scans share.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    /// Whose turn it is to log in.
    turn: tokio::sync::Mutex<()>,
    known: RwLock<Known>,
}

/// What is known of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    generation: u64,
    captured: Captured,
    since: Stamp,
    until: Option<Stamp>,
    failed: Option<Stamp>,
}

impl Known {
    /// Whether requests can be sent with it, or it is too early to try again.
    fn will_do(&self, now: Stamp) -> bool {
        let is_good = self.generation > 0 && self.until.is_none_or(|until| now < until);
        is_good || self.failed.is_some_and(|failed| now < failed.after(AFTER_FAILURE))
    }

    /// What requests are filled with, the credentials among it.
    pub(crate) fn filled(&self, variables: &Variables) -> Variables {
        Variables { captured: variables.captured.with(&self.captured), ..variables.clone() }
    }

    /// Whether a 401 may mean that it has expired.
    pub(crate) fn may_have_expired(&self, now: Stamp) -> bool {
        self.generation > 0 && now >= self.since.after(YOUNGEST_EXPIRED)
    }
}

impl Sessions {
    fn known(&self) -> Known {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The login, made if there is none that will do.
    pub(crate) async fn current(&self, probe: &Probe) -> Known {
        let known = self.known();
        if known.will_do(probe.clock.now()) {
            return known;
        }
        let _turn = self.turn.lock().await;
        // Another scan may have made it in the meantime.
        let known = self.known();
        if known.will_do(probe.clock.now()) { known } else { self.log_in(probe, known).await }
    }

    /// A login after this one, which was refused.
    pub(crate) async fn after(&self, probe: &Probe, refused: &Known) -> Known {
        let _turn = self.turn.lock().await;
        let known = self.known();
        let was_renewed = known.generation != refused.generation;
        let has_just_failed = known.failed.is_some_and(|failed| probe.clock.now() < failed.after(AFTER_FAILURE));
        if was_renewed || has_just_failed { known } else { self.log_in(probe, known).await }
    }

    /// Logs in whoever has a login. The first of them that expires is the end of all.
    async fn log_in(&self, probe: &Probe, before: Known) -> Known {
        let mut known = Known { failed: None, until: None, ..before.clone() };
        for nth in 0..probe.target.logins() {
            let Some((done, session)) = one(probe, nth).await else { continue };
            match session {
                Some(Session { captured, lasts }) => {
                    let until = lasts.map(|lasts| done.after(lasts.mul_f64(RENEWED_AFTER)));
                    let until = [known.until, until].into_iter().flatten().min();
                    let captured = known.captured.with(&captured);
                    known = Known { generation: before.generation + 1, captured, since: done, until, ..known };
                }
                None => known.failed = Some(done),
            }
        }
        // As long as nobody is logged in, what was known before holds.
        let known = if known.generation == before.generation { Known { failed: known.failed, ..before } } else { known };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known.clone();
        known
    }
}

/// One login: when it was answered, and what it gave.
async fn one(probe: &Probe, nth: usize) -> Option<(Stamp, Option<Session>)> {
    let nonce = probe.nonce();
    let variables = Variables { n: probe.options.first_n, uuid: format!("{:032x}", u128::from(nonce)), nonce, ..Variables::default() };
    let request = probe.target.login(nth, &variables)?;
    let lane = probe.transport.lane(Connection::Fresh);
    let meta = RequestMeta::other(0, Kind::Login, probe.clock.now()).of_poller(nth as u32);
    let read = |reply: &Reply<'_>| {
        let session = probe.target.read_login(nth, reply);
        let reading = match &session {
            Ok(Session { captured, .. }) => {
                // Before anything of the reply is recorded.
                probe.recorder.strike_out_too(probe.target.captured_secrets(captured));
                Reading::of(Answer::Accepted)
            }
            Err((answer, reason)) => Reading { reason: Some(reason.clone()), ..Reading::of(*answer) },
        };
        (Recorded::of(reading), session)
    };
    let (exchange, session) = probe.send_recorded(meta, &lane, &probe.prepare(request), read).await;
    Some((exchange.done, session.and_then(Result::ok)))
}
