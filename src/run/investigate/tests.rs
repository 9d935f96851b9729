//! Investigations of targets that can do little at a time: servers in process, on a paused clock.

use std::sync::Arc;
use std::sync::Mutex as SyncMutex;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, Response};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::{Progress, rehearse};
use crate::analysis::Analysis;
use crate::analysis::diagnosis::Pattern;
use crate::model::fault::FaultClass;
use crate::model::run::{EndReason, Journal};
use crate::model::source::Source;
use crate::probe::{Clock, InProcess, Jobs, Latency, OnStrain, Options, Restraint, Transport};
use crate::run::{Concluded, INVESTIGATION_JOBS, Session, virtual_options};
use crate::target::Target;
use crate::verdict::{Judgement, Verdict};

const TARGET: &str = r#"
name = "kernels"
base_url = "http://127.0.0.1:1"
[initiate]
path = "/kernels"
json = { n = "{n}" }
id = { pointer = "/id" }
[status]
path = "/kernels/{id}"
state = { pointer = "/state" }
[status.states]
running = ["running"]
succeeded = ["done"]
"#;

/// A sound server of heavy jobs.
#[derive(Debug, Clone, Copy)]
struct Server {
    /// How long a POST keeps the server from doing anything else.
    post: Duration,
    /// How many jobs there may be at a time; a POST beyond is answered 503.
    at_a_time: usize,
    /// How long a job takes.
    job: Duration,
    /// Whether jobs are done one after the other, and status knows a job only when its turn has come.
    queue: bool,
}

/// What a server was asked to do.
#[derive(Debug, Clone, Default)]
struct Asked {
    /// When each job begins and ends.
    jobs: Vec<(Instant, Instant)>,
    posts: u64,
    refused: u64,
}

impl Server {
    fn router(self) -> (Router, Arc<SyncMutex<Asked>>) {
        let asked = Arc::new(SyncMutex::new(Asked::default()));
        let (known, only_one) = (Arc::clone(&asked), Arc::new(Mutex::new(())));
        let answer = move |request: Request| {
            let (known, only_one) = (Arc::clone(&known), Arc::clone(&only_one));
            async move {
                let busy = only_one.lock().await;
                let (code, body) = if request.method() == Method::POST {
                    self.post(&known).await
                } else {
                    let number = request.uri().path().rsplit('/').next().and_then(|id| id.strip_prefix("k-")?.parse::<usize>().ok());
                    let job = number.and_then(|number| known.lock().expect("no panic").jobs.get(number).copied());
                    match job.filter(|(begins, _)| *begins <= Instant::now()) {
                        None => (404, "{}".to_owned()),
                        Some((_, end)) if end <= Instant::now() => (200, "{\"state\":\"done\"}".to_owned()),
                        Some(_) => (200, "{\"state\":\"running\"}".to_owned()),
                    }
                };
                drop(busy);
                Response::builder().status(code).body(Body::from(body)).expect("a reply")
            }
        };
        (Router::new().fallback(answer), asked)
    }

    async fn post(self, known: &SyncMutex<Asked>) -> (u16, String) {
        {
            let mut known = known.lock().expect("no panic");
            known.posts += 1;
            let now = Instant::now();
            if known.jobs.iter().filter(|(_, end)| *end > now).count() >= self.at_a_time {
                known.refused += 1;
                return (503, "{}".to_owned());
            }
        }
        sleep(self.post).await;
        let mut known = known.lock().expect("no panic");
        let begins =
            if self.queue { known.jobs.last().map_or_else(Instant::now, |(_, end)| (*end).max(Instant::now())) } else { Instant::now() };
        known.jobs.push((begins, begins + self.job));
        (202, format!("{{\"id\":\"k-{}\"}}", known.jobs.len() - 1))
    }
}

/// What an investigation of a server came to.
struct Investigated {
    asked: Asked,
    notes: Vec<Progress>,
    journal: Journal,
    analysis: Analysis,
    judgement: Judgement,
}

fn investigated(server: Server) -> Investigated {
    let (router, asked) = server.router();
    investigation(router, &asked, TARGET)
}

fn investigation(router: Router, asked: &SyncMutex<Asked>, target: &str) -> Investigated {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let target = Target::read(Source { file: "kernels.toml", text: target }, &|_| None).expect("a target");
        let transport = Transport::InProcess(InProcess::new(router, Latency::Fixed(Duration::from_millis(1))));
        let session = Session::over(target, transport, Clock::virtual_time(), "r".to_owned());
        let jobs = Jobs::at_most(Some(u64::from(INVESTIGATION_JOBS)));
        let options = Options { restraint: Restraint { jobs, strain: OnStrain::SlowDown, ..Restraint::default() }, ..virtual_options(5) };
        let notes = SyncMutex::new(Vec::new());
        let note = |progress: &Progress| notes.lock().expect("no panic").push(progress.clone());
        let journal = rehearse(&session, options, Duration::from_secs(60), note).await.expect("memory takes a log");
        let Concluded { journal, analysis, judgement } = Concluded::of(journal);
        let asked = asked.lock().expect("no panic").clone();
        let notes = notes.into_inner().expect("no panic");
        Investigated { asked, notes, journal, analysis, judgement }
    })
}

const MS: fn(u64) -> Duration = Duration::from_millis;

#[test]
fn a_target_that_can_do_all_of_it_is_asked_as_planned() {
    let seen = investigated(Server { post: MS(2), at_a_time: 1000, job: MS(300), queue: false });
    assert_eq!(seen.judgement.verdict, Verdict::Pass, "{:?}", seen.judgement.reasons);
    let held_back = seen.notes.iter().filter(|note| matches!(note, Progress::Strain(_) | Progress::Waits(_)));
    assert_eq!(held_back.collect::<Vec<_>>(), Vec::<&Progress>::new());
    assert_eq!(seen.analysis.load.unfinished + seen.analysis.load.unknown, 0, "{:?}", seen.analysis.load);
    assert_eq!(seen.analysis.load.started, seen.asked.posts);
}

#[test]
fn a_server_of_heavy_jobs_is_asked_for_few_and_not_blamed_for_them() {
    for (at_a_time, job) in [(10, 15_000), (10, 60_000), (3, 5_000), (2, 2_000)] {
        let seen = investigated(Server { post: MS(1000), at_a_time, job: MS(job), queue: false });
        assert!(seen.asked.posts <= u64::from(INVESTIGATION_JOBS), "{}", seen.asked.posts);
        // After a refusal it waits before it tries again: few POSTs are in vain.
        assert!(seen.asked.refused * 2 <= seen.asked.posts, "{at_a_time} {job}: {} of {} refused", seen.asked.refused, seen.asked.posts);
        assert!(seen.analysis.diagnosis.causes.iter().all(|cause| cause.class == FaultClass::P), "{:?}", seen.analysis.diagnosis.causes);
        let end = seen.journal.end.as_ref().expect("an end");
        assert!(end.at.0 <= 60_000_000_000, "{end:?}");
    }
}

#[test]
fn the_next_step_waits_for_the_jobs_of_the_last_one_where_they_queue() {
    let seen = investigated(Server { post: MS(2), at_a_time: 1000, job: MS(4000), queue: true });
    assert!(seen.notes.iter().any(|note| matches!(note, Progress::Waits(_))), "{:?}", seen.notes);
    let causes: Vec<_> = seen.analysis.diagnosis.causes.iter().map(|cause| cause.class).collect();
    assert!(!causes.contains(&FaultClass::M), "jobs that wait behind its own are not lost: {causes:?} {:?}", seen.notes);
}

#[test]
fn a_target_that_is_over_at_once_leaves_nothing_to_wait_for() {
    let seen = investigated(Server { post: MS(1), at_a_time: 0, job: MS(1), queue: false });
    assert_eq!((seen.judgement.verdict, seen.asked.posts), (Verdict::Inconclusive, seen.asked.refused));
    assert!(matches!(seen.journal.end.as_ref().map(|end| end.reason), Some(EndReason::Budget | EndReason::Complete)));
    assert!(seen.asked.posts <= 20, "{} in vain", seen.asked.posts);
}

/// What a job of the given number and age is answered at a path: the code, and the body.
type Answers = fn(path: &str, number: usize, age: Duration) -> (u16, &'static str);

/// A server of jobs that are answered by their number and age, and that hands out an address beside the id.
fn answering(answers: Answers) -> Router {
    let asked: Arc<SyncMutex<Vec<Instant>>> = Arc::default();
    Router::new().fallback(move |request: Request| {
        let path = request.uri().path().to_owned();
        let reply = if request.method() == Method::POST {
            let mut asked = asked.lock().expect("no panic");
            asked.push(Instant::now());
            let number = asked.len() - 1;
            Response::builder()
                .status(202)
                .header("location", format!("/other/k-{number}"))
                .body(Body::from(format!("{{\"id\":\"k-{number}\"}}")))
        } else {
            let number = path.split('/').find_map(|part| part.strip_prefix("k-")?.parse::<usize>().ok());
            let since = number.and_then(|number| Some((number, asked.lock().expect("no panic").get(number).copied()?)));
            let (code, body) = since.map_or((404, "{}"), |(number, since)| answers(&path, number, since.elapsed()));
            Response::builder().status(code).body(Body::from(body))
        };
        async move { reply.expect("a reply") }
    })
}

fn state(age: Duration) -> (u16, &'static str) {
    (200, if age < MS(900) { "{\"state\":\"running\"}" } else { "{\"state\":\"done\"}" })
}

#[test]
fn the_address_that_is_handed_out_is_asked_beside_the_usual_path() {
    let target = TARGET.replace("[status]\n", "[status]\nfollow = { header = \"Location\" }\n");
    let late: Answers = |path, _, age| if path.starts_with("/other") && age < MS(800) { (404, "{}") } else { state(age) };
    let seen = investigation(answering(late), &SyncMutex::default(), &target);
    assert_eq!(seen.judgement.verdict, Verdict::Fail, "{:?}", seen.judgement.reasons);
    let patterns = &seen.analysis.diagnosis.patterns;
    assert!(matches!(patterns[..], [Pattern::OtherAddress { denied: 12, polls: 12, usual_denied: 0, .. }]), "{patterns:?}");
    assert_eq!(seen.analysis.diagnosis.causes, []);

    let alike: Answers = |_, _, age| state(age);
    let seen = investigation(answering(alike), &SyncMutex::default(), &target);
    assert_eq!(seen.judgement.verdict, Verdict::Pass, "{:?}", seen.judgement.reasons);

    // Where both are late alike, it is no matter of the address.
    let both: Answers = |_, _, age| if age < MS(800) { (404, "{}") } else { state(age) };
    let seen = investigation(answering(both), &SyncMutex::default(), &target);
    assert_eq!(seen.judgement.verdict, Verdict::Fail);
    assert_eq!(seen.analysis.diagnosis.patterns, []);
}

#[test]
fn some_jobs_that_never_show_their_end_though_their_results_are_there_are_no_pass() {
    let target = format!("{TARGET}\n[results]\npath = \"/kernels/{{id}}/file\"\n");
    let stuck: Answers = |path, number, age| match path.ends_with("/file") {
        true if age < MS(900) => (404, "{}"),
        true => (200, "{\"rows\":[1]}"),
        false if number % 3 == 0 => (200, "{\"state\":\"running\"}"),
        false => state(age),
    };
    let seen = investigation(answering(stuck), &SyncMutex::default(), &target);
    assert_eq!(seen.judgement.verdict, Verdict::Fail, "{:?}", seen.judgement.reasons);

    // A service that shows results while they grow says nothing with them.
    let partial: Answers = |path, number, age| match path.ends_with("/file") {
        true => (200, "{\"rows\":[1]}"),
        false if number % 3 == 0 => (200, "{\"state\":\"running\"}"),
        false => state(age),
    };
    let seen = investigation(answering(partial), &SyncMutex::default(), &target);
    assert_eq!(seen.judgement.verdict, Verdict::Pass, "{:?}", seen.judgement.reasons);
}
