//! When a scenario may begin although those before it have not ended: while they only wait, and while all jobs of the run are alike.
//!
//! Jobs are alike as long as one window explains what was seen of all of them. Where they differ, one job may delay another (a queue, an
//! eviction) or chance decides, and scenarios beside each other would not show what each shows alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::model::answer::Answer;
use crate::model::exchange::{Exchange, Kind, Purpose};
use crate::model::scenario::Scenario;
use crate::model::text::Text;
use crate::model::time::{Nanos, Stamp, is_one_window};
use crate::probe::clock::Clock;

/// Polls on connections of their own that must agree before a scenario of several pollers has company: two instances that are asked equally
/// often would both be met, but for one run in 30,000.
const AGREEING_POLLS: u64 = 16;

/// Ages up to this one are asked for while a scenario still has the target to itself, under the load that its jobs would meet alone.
const YOUNG: Duration = Duration::from_millis(200);

/// How long the last of these exchanges may take.
const ANSWER: Duration = Duration::from_millis(50);

/// A scenario whose first poll comes this late may begin before any job was found: until then it sends nothing but its jobs.
const LATE: Duration = Duration::from_secs(1);

/// What the jobs of a run have shown so far.
#[derive(Debug, Default)]
pub(super) struct SideBySide {
    shown: Mutex<Option<Shown>>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Shown {
    /// When the id of each job under way had arrived.
    accepted: BTreeMap<u64, Stamp>,
    /// The highest age at which a job was denied.
    denied: Option<Nanos>,
    /// The lowest age by which a job was visible.
    visible: Option<Nanos>,
    scenarios: BTreeMap<u32, Progress>,
}

/// How far a scenario is.
#[derive(Debug, Default)]
struct Progress {
    /// Jobs that were accepted or refused.
    answered: u32,
    last_answer: Stamp,
    polls: u64,
    denied: bool,
    /// Which instances answered its polls.
    instances: BTreeSet<Text>,
    /// Whether an answer named none.
    anonymous: bool,
    ended: bool,
}

/// When another scenario may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    At(Stamp),
    /// Not before more is known.
    NotYet,
}

impl SideBySide {
    /// Begins to count. Until then nothing is kept, since most runs have no use for it.
    pub(super) fn watch(&self) {
        self.lock().get_or_insert_default();
    }

    /// Takes note of an exchange that has ended.
    pub(super) fn exchange(&self, exchange: &Exchange) {
        if let Some(shown) = &mut *self.lock()
            && shown.exchange(exchange)
        {
            self.changed.notify_waiters();
        }
    }

    /// Nothing more will come of a job.
    pub(super) fn job_ended(&self, scan: u64) {
        if let Some(shown) = &mut *self.lock() {
            shown.accepted.remove(&scan);
        }
    }

    /// A scenario has ended.
    pub(super) fn ended(&self, scenario: u32) {
        if let Some(shown) = &mut *self.lock() {
            shown.scenarios.entry(scenario).or_default().ended = true;
            self.changed.notify_waiters();
        }
    }

    /// Waits until a scenario may begin beside these.
    pub(super) async fn room(&self, scenario: &Scenario, company: &[(u32, Scenario)], clock: &Clock) {
        loop {
            // Before it is looked at what is known: what changes meanwhile must not be missed.
            let changed = self.changed.notified();
            let room = self.lock().as_ref().map_or(Room::NotYet, |shown| shown.room(scenario, company));
            match room {
                Room::At(at) if at <= clock.now() => return,
                Room::At(at) => {
                    tokio::select! {
                        () = clock.sleep_until(at) => {}
                        () = changed => {}
                    }
                }
                Room::NotYet => changed.await,
            }
        }
    }

    /// What a panic elsewhere left behind is still a count of whole exchanges.
    fn lock(&self) -> MutexGuard<'_, Option<Shown>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shown {
    /// Whether the exchange tells something.
    fn exchange(&mut self, exchange: &Exchange) -> bool {
        let Some(scan) = exchange.scan.get() else { return false };
        match exchange.kind {
            Kind::Initiate if exchange.purpose != Purpose::Expired => {
                if exchange.answer == Answer::Accepted {
                    self.accepted.insert(scan, exchange.done);
                }
                let progress = self.scenarios.entry(exchange.scenario).or_default();
                progress.answered += 1;
                progress.last_answer = progress.last_answer.max(exchange.done);
                true
            }
            // After a second write a denial may be right.
            Kind::Poll if exchange.purpose != Purpose::Then => self.poll(scan, exchange),
            _ => false,
        }
    }

    fn poll(&mut self, scan: u64, poll: &Exchange) -> bool {
        let Some(t0) = self.accepted.get(&scan) else { return false };
        match poll.answer {
            Answer::NotFound => self.denied = self.denied.max(Some(poll.sent.since(*t0))),
            Answer::Visible => {
                let age = poll.done.since(*t0);
                self.visible = Some(self.visible.map_or(age, |lowest| lowest.min(age)));
            }
            _ => return false,
        }
        let progress = self.scenarios.entry(poll.scenario).or_default();
        progress.polls += u64::from(poll.connection.is_own());
        progress.denied |= poll.answer == Answer::NotFound;
        match &poll.worker {
            Some(worker) => _ = progress.instances.insert(worker.clone()),
            None => progress.anonymous = true,
        }
        true
    }

    fn room(&self, scenario: &Scenario, company: &[(u32, Scenario)]) -> Room {
        if !scenario.overlap && !self.are_alike(is_late(scenario)) {
            return Room::NotYet;
        }
        let mut at = Stamp(0);
        for (index, other) in company {
            let Some(progress) = self.scenarios.get(index) else { return Room::NotYet };
            match progress.room(other) {
                Room::At(from) => at = at.max(from),
                Room::NotYet => return Room::NotYet,
            }
        }
        Room::At(at)
    }

    /// Whether one window explains all jobs so far. As long as none was found, nothing is known of any window.
    fn are_alike(&self, also_unknown: bool) -> bool {
        match (self.denied, self.visible) {
            (Some(denied), Some(visible)) => is_one_window(denied, visible),
            (None, Some(_)) => true,
            (_, None) => also_unknown,
        }
    }
}

impl Progress {
    /// When this scenario only waits.
    fn room(&self, scenario: &Scenario) -> Room {
        if self.ended {
            return Room::At(Stamp(0));
        }
        if scenario.arms.iter().any(|arm| arm.pollers > 1) {
            return if self.agrees() { Room::At(Stamp(0)) } else { Room::NotYet };
        }
        if self.answered < scenario.load.scans { Room::NotYet } else { Room::At(self.last_answer.after(busy(scenario))) }
    }

    /// Whether there is but one instance, or every instance knows the job.
    fn agrees(&self) -> bool {
        let is_one = self.instances.len() == 1 && !self.anonymous;
        self.polls >= AGREEING_POLLS && (is_one || !self.denied)
    }
}

/// How long after its last job was accepted a scenario asks for young ages.
fn busy(scenario: &Scenario) -> Duration {
    let readings = &scenario.readings;
    let beside = readings.witness.iter().chain(&readings.results).chain(&scenario.controls.foreign_user);
    let ages = scenario.arms.iter().flat_map(|arm| &arm.offsets).chain(beside);
    ages.map(|age| age.0).filter(|age| *age <= YOUNG).max().map_or(Duration::ZERO, |age| age + ANSWER)
}

/// Whether the first poll of each job of a scenario comes late.
fn is_late(scenario: &Scenario) -> bool {
    scenario.arms.iter().all(|arm| arm.offsets.first().is_some_and(|first| first.0 >= LATE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::source::Source;
    use serde_json::json;

    fn scenario(telling: &str) -> Scenario {
        let text = format!("name = \"x\"\ntitle = \"t\"\nsource = \"s\"\nside_by_side = true\n{telling}");
        Scenario::read(Source { file: "x.toml", text: &text }).unwrap_or_else(|error| panic!("{error}"))
    }

    /// An exchange of scenario 0 that lasted 1 ms.
    fn exchange(scan: u64, kind: &str, sent_ms: u64, answer: &str, worker: Option<&str>) -> Exchange {
        let ns = sent_ms * 1_000_000;
        let line = json!({
            "scenario": 0, "scan": scan, "kind": kind, "purpose": "other", "connection": "fresh", "answer": answer,
            "planned": ns, "sent": ns, "done": ns + 1_000_000, "http": 200, "worker": worker,
        });
        serde_json::from_value(line).unwrap_or_else(|error| panic!("{error}"))
    }

    fn shown(exchanges: &[Exchange]) -> Shown {
        let mut shown = Shown::default();
        for exchange in exchanges {
            shown.exchange(exchange);
        }
        shown
    }

    const EARLY: &str = "[load]\nscans = 2\n[polls]\noffsets = [\"100ms\"]";
    const LATE_POLL: &str = "[load]\nscans = 2\n[polls]\noffsets = [\"2s\"]";

    #[test]
    fn a_scenario_begins_once_the_others_only_wait_and_their_jobs_are_alike() {
        let (early, late) = (scenario(EARLY), scenario(LATE_POLL));
        let company = [(0, early.clone())];
        let accepted = |scan| exchange(scan, "initiate", 10 * scan, "accepted", None);
        let poll = |scan, at, answer| exchange(scan, "poll", at, answer, None);
        let after_the_last = Room::At(Stamp(11_000_000).after(Duration::from_millis(150)));

        let one = shown(&[accepted(0), poll(0, 101, "visible")]);
        assert_eq!(one.room(&early, &company), Room::NotYet, "one job of two is not accepted yet");
        let visible = shown(&[accepted(0), accepted(1), poll(0, 101, "visible")]);
        assert_eq!(visible.room(&early, &company), after_the_last);

        let denied = shown(&[accepted(0), accepted(1), poll(0, 101, "not_found"), poll(1, 111, "not_found")]);
        assert_eq!(denied.room(&early, &company), Room::NotYet, "nothing is known of the window");
        assert_eq!(denied.room(&late, &company), after_the_last, "it polls when more is known");

        let mut same = denied;
        same.exchange(&poll(0, 2_001, "visible"));
        assert_eq!(same.room(&early, &company), after_the_last);
        same.exchange(&poll(1, 2_090, "not_found"));
        assert_eq!(same.room(&early, &company), after_the_last, "timers of a busy machine");
        same.exchange(&poll(1, 2_300, "not_found"));
        assert_eq!(same.room(&early, &company), Room::NotYet, "the second job waits for longer than the first: a queue, or chance");
        assert_eq!(same.room(&late, &company), Room::NotYet);
    }

    #[test]
    fn a_scenario_is_busy_until_its_young_ages_are_asked_for() {
        let after = |telling: &str| busy(&scenario(telling)).as_millis();
        assert_eq!(after(EARLY), 150);
        assert_eq!(after(LATE_POLL), 0);
        assert_eq!(after("[load]\nscans = 2\n[polls]\noffsets = [\"0s\", \"2s\"]"), 50);
        assert_eq!(after("[load]\nscans = 2\n[controls]\nforeign_user = [\"100ms\", \"2500ms\"]"), 150);
    }

    #[test]
    fn pollers_have_company_once_they_prove_one_instance_or_all_instances_know_the_job() {
        let (pollers, late) = (scenario("[load]\nscans = 1\n[polls]\noffsets = [\"0s\"]\npollers = 16"), scenario(LATE_POLL));
        let company = [(0, pollers)];
        let after = |polls: &[(&str, Option<&str>)]| {
            let mut exchanges = vec![exchange(0, "initiate", 0, "accepted", None)];
            exchanges.extend(polls.iter().map(|(answer, worker)| exchange(0, "poll", 2, answer, *worker)));
            shown(&exchanges).room(&late, &company)
        };
        let there = Room::At(Stamp(0));
        assert_eq!(after(&[("not_found", Some("1")); 16]), there, "one instance");
        assert_eq!(after(&[("visible", None); 16]), there, "whoever answers knows it");
        assert_eq!(after(&[("visible", None); 15]), Room::NotYet);
        assert_eq!(after(&[("not_found", None); 16]), Room::NotYet, "nobody says which instance it is");
        let mut two = [("not_found", Some("1")); 16];
        two[7].1 = Some("2");
        assert_eq!(after(&two), Room::NotYet);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_woken_by_what_changes() {
        let (side_by_side, clock) = (SideBySide::default(), Clock::virtual_time());
        side_by_side.watch();
        let (early, company) = (scenario(EARLY), [(0, scenario(EARLY))]);
        let room = side_by_side.room(&early, &company, &clock);
        let goes_on = async {
            for scan in 0..2 {
                tokio::task::yield_now().await;
                side_by_side.exchange(&exchange(scan, "initiate", 0, "accepted", None));
            }
            tokio::task::yield_now().await;
            side_by_side.exchange(&exchange(0, "poll", 100, "visible", None));
        };
        tokio::join!(room, goes_on);
        assert!(clock.now() >= Stamp(1_000_000).after(busy(&early)));
    }
}
