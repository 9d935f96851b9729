//! The jobs that a run started and that were not seen to end: looked at between the steps of an investigation, so that the next step does
//! not measure the queue that the last one made.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::answer::{Answer, State};
use crate::model::exchange::{Connection, Exchange, Kind, Route};
use crate::model::time::Stamp;
use crate::probe::asking::Sender;
use crate::probe::cookies::Jar;
use crate::probe::recorded::Recorded;
use crate::probe::request_meta::RequestMeta;
use crate::probe::runner::Probe;
use crate::target::{About, Accepted, Caller, Reply, Variables};

/// Time between two looks at the same job.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// So many jobs are looked at at a time, the oldest first: they end before the others.
const AT_A_TIME: usize = 8;

/// A job that was accepted and not seen to end.
#[derive(Debug, Clone)]
pub(crate) struct OpenJob {
    scenario: u32,
    arm: u32,
    accepted: Accepted,
    variables: Variables,
    jar: Option<Arc<Jar>>,
    /// Whether status denied it, and has not shown it since.
    denied: bool,
    /// Whether it was waited for already, in vain.
    waited_for: bool,
    /// Whether it was asked for by other ways.
    asked_otherwise: bool,
}

impl OpenJob {
    pub(crate) fn new(scenario: u32, arm: u32, accepted: Accepted, variables: Variables, jar: Option<Arc<Jar>>) -> OpenJob {
        OpenJob { scenario, arm, accepted, variables, jar, denied: false, waited_for: false, asked_otherwise: false }
    }
}

/// Which jobs are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that status denied when they were last looked at, which may wait in a queue.
    Denied,
    /// Those that have not ended.
    All,
}

impl Which {
    fn takes(self, job: &OpenJob) -> bool {
        !job.waited_for && (self == Which::All || job.denied)
    }
}

impl Probe {
    pub(crate) fn open(&self) -> MutexGuard<'_, BTreeMap<(u64, Kind), OpenJob>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Status was asked for a job.
    pub(crate) fn was_asked(&self, key: (u64, Kind), exchange: &Exchange) {
        if !self.slows_down() {
            return;
        }
        let mut open = self.open();
        if exchange.state.is_some_and(State::is_terminal) {
            open.remove(&key);
        } else if let Some(job) = open.get_mut(&key)
            && exchange.answer.is_evidence()
        {
            job.denied = exchange.answer == Answer::NotFound;
        }
    }

    /// How many jobs there are of a kind that can be waited for.
    pub fn waits_for(&self, which: Which) -> usize {
        self.open().values().filter(|job| which.takes(job)).count()
    }

    /// Looks at the jobs again and again until there is nothing left to wait for, or until none of them came on for `patience`; at
    /// most until `latest`. No job is waited for twice.
    pub async fn wait_for(&self, which: Which, patience: Duration, latest: Stamp) {
        let mut until = self.clock.now().after(patience).min(latest);
        let mut left = self.waits_for(which);
        loop {
            let jobs: Vec<_> =
                self.open().iter().filter(|(_, job)| which.takes(job)).map(|(key, job)| (*key, job.clone())).take(AT_A_TIME).collect();
            if jobs.is_empty() {
                return;
            }
            if self.clock.now() >= until {
                self.open().values_mut().filter(|job| which.takes(job)).for_each(|job| job.waited_for = true);
                return;
            }
            for (key, job) in jobs {
                self.look_at(key, &job).await;
            }
            let now = self.waits_for(which);
            if now < left {
                // A queue that moves is worth waiting for.
                until = self.clock.now().after(patience).min(latest);
                left = now;
            }
            self.clock.sleep_until(self.clock.now().after(BETWEEN_LOOKS).min(until)).await;
        }
    }

    /// Looks once more at each job that nobody saw end, so that it is known how many are left behind.
    pub async fn look_at_all(&self) {
        let jobs: Vec<_> = self.open().iter().map(|(key, job)| (*key, job.clone())).collect();
        for (key, job) in jobs {
            self.look_at(key, &job).await;
        }
    }

    /// Asks once, by every other way that the target has, for the jobs that status still denies: a scope that the usual request does not
    /// look in shows them.
    pub async fn ask_otherwise(&self) {
        let can = self.target.can();
        let routes = [(Route::HandedOut, can.handed_out), (Route::AsInitiator, can.other_initiator)];
        let jobs: Vec<_> = {
            let mut open = self.open();
            let denied = open.iter_mut().filter(|((_, kind), job)| job.denied && !job.asked_otherwise && *kind == Kind::Initiate);
            denied
                .take(AT_A_TIME)
                .map(|(key, job)| {
                    job.asked_otherwise = true;
                    (*key, job.clone())
                })
                .collect()
        };
        for (key, job) in jobs {
            for (route, _) in routes.iter().filter(|(_, can)| *can) {
                let meta = RequestMeta::follow(job.scenario, job.arm, key.0, self.clock.now()).by_route(*route);
                self.send_look(meta, &job, Some(*route)).await;
            }
            // What became visible meanwhile was only late.
            self.look_at(key, &job).await;
        }
    }

    async fn look_at(&self, key: (u64, Kind), job: &OpenJob) {
        let now = self.clock.now();
        // Until a job is seen, a look at it is a poll like any other, and says how long its window is. Later it is not evidence: that a
        // job is forgotten a while after its end is not a fault.
        let meta = if job.denied && key.1 == Kind::Initiate {
            RequestMeta::follow(job.scenario, job.arm, key.0, now)
        } else {
            RequestMeta::look(job.scenario, job.arm, key.0, &job.accepted.id, now)
        };
        let exchange = self.send_look(meta, job, None).await;
        self.was_asked(key, &exchange);
    }

    async fn send_look(&self, meta: RequestMeta, job: &OpenJob, route: Option<Route>) -> Exchange {
        let variables = Variables { nonce: self.nonce(), ..job.variables.clone() };
        let lane = self.transport.lane(Connection::Fresh);
        let build = |filled: &Variables| self.target.status(filled, Caller::Owner, &job.accepted, route);
        let read = |reply: &Reply<'_>, filled: &Variables| {
            (Recorded::of(self.target.read_status(reply, About::scan(&job.accepted.id, filled))), ())
        };
        self.ask(meta, &lane, Sender { variables: &variables, jar: job.jar.as_deref() }, build, read).await.0
    }
}
