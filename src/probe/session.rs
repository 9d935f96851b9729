//! The logins of a run, mostly one: for all scans, made when it is first needed, and again when it has expired.
//!
//! Only one login is under way at a time; whoever needs it waits for it.

use std::sync::{PoisonError, RwLock};

use crate::model::answer::Answer;
use crate::model::exchange::{Connection, Kind};
use crate::model::time::Stamp;
use crate::probe::recorded::Recorded;
use crate::probe::request_meta::RequestMeta;
use crate::probe::runner::Probe;
use crate::target::{Captured, LoginOutcome, Reading, Reply, Session, Turn, Validity, Variables};

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
    pub(crate) validity: Validity,
    pub(crate) captured: Captured,
}

impl Known {
    /// What requests are filled with, the credentials among it.
    pub(crate) fn filled(&self, variables: &Variables) -> Variables {
        Variables { captured: variables.captured.with(&self.captured), ..variables.clone() }
    }
}

impl Sessions {
    fn known(&self) -> Known {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The login, made if there is none that will do.
    pub(crate) async fn current(&self, probe: &Probe) -> Known {
        let known = self.known();
        if known.validity.will_do(probe.clock.now()) {
            return known;
        }
        let _turn = self.turn.lock().await;
        // Another scan may have made it in the meantime.
        let known = self.known();
        if known.validity.will_do(probe.clock.now()) { known } else { self.log_in(probe, known).await }
    }

    /// A login after this one, which was refused.
    pub(crate) async fn after(&self, probe: &Probe, refused: &Known) -> Known {
        let _turn = self.turn.lock().await;
        let known = self.known();
        let is_another = known.validity.is_another(&refused.validity);
        if is_another || known.validity.has_just_failed(probe.clock.now()) { known } else { self.log_in(probe, known).await }
    }

    /// Takes down the answer to a request that was sent with a login, if it says something new about it.
    pub(crate) fn answered(&self, with: &Known, http: Option<u16>, sent: Turn) {
        let mut validity = with.validity;
        validity.answered(http, sent);
        if validity == with.validity {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if !known.validity.is_another(&with.validity) {
            known.validity.answered(http, sent);
        }
    }

    /// Logs in whoever has a login.
    async fn log_in(&self, probe: &Probe, before: Known) -> Known {
        let (mut logins, mut captured) = (Vec::new(), before.captured);
        for nth in 0..probe.target.logins() {
            let Some((at, session)) = one(probe, nth).await else { continue };
            logins.push(match session {
                Some(Session { captured: given, lasts }) => {
                    captured = captured.with(&given);
                    LoginOutcome::Given { at, lasts }
                }
                None => LoginOutcome::Failed { at },
            });
        }
        let known = Known { validity: before.validity.after(&logins), captured };
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
