//! Runs the rows of a table against servers of their own, all at once, and tells every row that came out otherwise.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use statusgap::analysis::analyse;
use statusgap::model::answer::{Answer, TransportFault};
use statusgap::model::exchange::{Exchange, Kind};
use statusgap::model::run::Journal;
use statusgap::probe::{Clock, Network, NetworkOptions, Options, Transport};
use statusgap::report::{Colour, Format, Style, View, render};
use statusgap::verdict::{Judgement, Verdict, judge};

use super::wire::{Act, Script, Server};
use crate::support::driven;

/// Where an exchange ends in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    Answer(Answer),
    Fault(TransportFault),
}

pub use Answer::{Accepted, Malformed, NotFound, Refused, ServerError, Visible};
pub use TransportFault::{Closed, Connect, ConnectTimeout, Protocol, Request, Resolve, Timeout, Tls, TooLarge};
pub use Verdict::{Fail, Inconclusive, Pass};

impl From<Answer> for Bucket {
    fn from(answer: Answer) -> Bucket {
        Bucket::Answer(answer)
    }
}

impl From<TransportFault> for Bucket {
    fn from(fault: TransportFault) -> Bucket {
        Bucket::Fault(fault)
    }
}

impl Bucket {
    fn of(exchange: &Exchange) -> Bucket {
        exchange.fault.map_or(Bucket::Answer(exchange.answer), Bucket::Fault)
    }
}

/// By the code alone.
pub const BY_CODE: &str = "path = '/jobs/{id}'";
/// With a state in the body, which must be readable.
pub const WITH_STATES: &str = "path = '/jobs/{id}'\nstate = { pointer = '/state' }\nstates = { running = ['busy'], succeeded = ['done'] }";

/// Long enough for whoever answers.
const PATIENT: Duration = Duration::from_secs(20);
/// Short enough for whoever never does, and long enough for the rest of the run on a busy machine.
const HASTY: Duration = Duration::from_secs(2);
/// No run takes longer, whatever happens to it.
const GUARD: Duration = Duration::from_secs(60);

/// A row.
pub struct Case {
    pub name: String,
    pub script: Script,
    initiate: &'static str,
    status: &'static str,
    connection: &'static str,
    scans: u32,
    limit: Duration,
    /// Every exchange of this kind ends there.
    looked_at: Kind,
    bucket: Bucket,
    verdict: Verdict,
    /// What it may be as well, where it is a race between two packets.
    or: Option<(Bucket, Verdict)>,
}

impl Case {
    pub fn new(name: impl Into<String>, script: Script, bucket: impl Into<Bucket>, verdict: Verdict) -> Case {
        Case {
            name: name.into(),
            script,
            initiate: "id = { pointer = '/id' }",
            status: WITH_STATES,
            connection: "fresh",
            scans: 1,
            limit: PATIENT,
            looked_at: Kind::Poll,
            bucket: bucket.into(),
            verdict,
            or: None,
        }
    }

    /// Polls that are answered so.
    pub fn poll(name: impl Into<String>, act: Act, bucket: impl Into<Bucket>, verdict: Verdict) -> Case {
        Case::new(name, Script::about_polls(move |_| act.clone()), bucket, verdict)
    }

    /// Initiates that are answered so; looked at are they and not the polls.
    pub fn initiate(name: impl Into<String>, act: Act, bucket: impl Into<Bucket>, verdict: Verdict) -> Case {
        Case::new(name, Script::about_initiates(move |_| act.clone()), bucket, verdict).looking_at(Kind::Initiate)
    }

    pub fn looking_at(self, looked_at: Kind) -> Case {
        Case { looked_at, ..self }
    }

    pub fn by_code(self) -> Case {
        Case { status: BY_CODE, ..self }
    }

    pub fn with_status(self, status: &'static str) -> Case {
        Case { status, ..self }
    }

    pub fn with_initiate(self, initiate: &'static str) -> Case {
        Case { initiate, ..self }
    }

    pub fn on_a_kept_connection(self) -> Case {
        Case { connection: "keep-alive", ..self }
    }

    /// What it is if the other packet comes first.
    pub fn or(self, bucket: impl Into<Bucket>, verdict: Verdict) -> Case {
        Case { or: Some((bucket.into(), verdict)), ..self }
    }

    pub fn with_scans(self, scans: u32) -> Case {
        Case { scans, ..self }
    }

    /// With a time limit that is going to be reached.
    pub fn hasty(self) -> Case {
        Case { limit: HASTY, ..self }
    }

    pub fn target(&self, base_url: &str) -> String {
        format!(
            "name = 'hostile'\nbase_url = '{base_url}'\nunknown_id = 'never-{{uuid}}'\n[initiate]\npath = '/jobs'\njson = {{ n = '{{n}}' }}\n{}\n\
             [status]\n{}\n",
            self.initiate, self.status
        )
    }

    /// Punctuality is not what is tested here, and a busy machine must not decide.
    pub fn scenario(&self) -> String {
        format!(
            "[load]\nscans = {}\nmodel = 'closed'\nin_flight = 1\n[polls]\noffsets = ['0s', '1ms']\nconnection = '{}'\nfillers = 0\ntolerance = '1m'\n\
             [controls]\nunknown_id = 1",
            self.scans, self.connection
        )
    }

    /// What was wrong with how it came out, if anything was.
    fn complaints(&self, outcome: &Outcome) -> Vec<String> {
        let mut wrong = Vec::new();
        let name = &self.name;
        let buckets: Vec<Bucket> =
            outcome.journal.exchanges.iter().filter(|exchange| exchange.kind == self.looked_at).map(Bucket::of).collect();
        if buckets.is_empty() || buckets.iter().any(|bucket| *bucket != self.bucket && self.or.is_none_or(|(or, _)| *bucket != or)) {
            wrong.push(format!("{name}: {buckets:?} instead of {:?}: {:?}", self.bucket, outcome.bodies()));
        }
        let verdict = outcome.judgement.verdict;
        if verdict != self.verdict && self.or.is_none_or(|(_, or)| verdict != or) {
            wrong.push(format!("{name}: {:?} instead of {:?}: {:?}", outcome.judgement.verdict, self.verdict, outcome.judgement.reasons));
        }
        wrong
    }
}

/// What came of a run.
pub struct Outcome {
    pub journal: Journal,
    pub judgement: Judgement,
}

impl Outcome {
    /// Judges a log and writes all its reports, which must hold nothing that steers a terminal.
    pub fn of(name: &str, journal: Journal) -> Outcome {
        let analysis = analyse(&journal);
        let judgement = judge(&journal, &analysis);
        let view = View::of(&journal, &analysis, &judgement);
        for format in Format::ALL {
            let text = render(&view, format, Style { width: 100, colour: Colour::Off });
            let steering: Vec<char> = text.chars().filter(|c| c.is_control() && *c != '\n').collect();
            assert!(steering.is_empty(), "{name}, {format:?}: {steering:?}");
        }
        Outcome { journal, judgement }
    }

    fn bodies(&self) -> Vec<&str> {
        self.journal.exchanges.iter().filter_map(|exchange| exchange.body.as_deref()).collect()
    }
}

/// Runs against an address, over sockets.
pub async fn run(case: &Case, base_url: &str) -> Outcome {
    let target = Arc::new(driven::target(&case.target(base_url)));
    let network = Transport::Network(Network::with(base_url, NetworkOptions::default()).expect("a way to the target"));
    let clock = Clock::real().expect("a kernel timer");
    let options = Options { timeout: case.limit, ..driven::options(1) };
    let scenario = driven::scenario(&case.scenario());
    let running = driven::journal(&target, network, &clock, &scenario, options);
    let journal = tokio::time::timeout(GUARD, running).await.unwrap_or_else(|_| panic!("{}: the run does not end", case.name));
    Outcome::of(&case.name, journal)
}

/// Runs all rows, each against a server of its own.
pub async fn check(cases: Vec<Case>) {
    let checked = join_all(cases.iter().map(|case| async move {
        let server = Server::start(case.script.clone()).await;
        case.complaints(&run(case, &server.base_url).await)
    }));
    let wrong = checked.await.concat();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// The same against an address at which there is no server of ours.
pub async fn check_at(case: &Case, base_url: &str) {
    let wrong = case.complaints(&run(case, base_url).await);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
