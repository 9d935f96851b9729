//! Before a failure is shown: its smallest sequence, tried again by an ordinary client.
//!
//! The probe opens and times its own connections. That a denial is not its own doing is shown by a client that shares nothing with
//! it: reqwest, with a pool and defaults of its own.

use std::time::{Duration, Instant};

use crate::analysis::second_opinion::smallest_sequence;
use crate::client::Client;
use crate::draft::with_reply;
use crate::model::answer::Answer;
use crate::model::call::Answered;
use crate::model::run::{EndReason, Journal};
use crate::model::second_opinion::{SecondOpinion, SecondTry, Sequence};
use crate::model::time::Nanos;
use crate::probe::Jobs;
use crate::run::learn::fresh;
use crate::run::ordinary::{self, Unanswered};
use crate::run::recording::Recording;
use crate::run::{RunError, Session};
use crate::target::{About, Caller, Initiated, Target, Variables};

/// At most so many jobs.
pub const TRIES: u64 = 5;

/// What it asks for, before it is known whether it is needed.
pub const OUTLINE: &str = "at most 5 jobs more, each polled once, by an ordinary HTTP client (--max-jobs counts them)";

/// Older jobs are not waited for: what is denied as late as that is no matter of the client.
const LONGEST_AGE: Duration = Duration::from_secs(30);

/// What the ordinary client may do.
pub struct Bounds {
    /// The jobs that may still be started.
    pub jobs: Jobs,
    /// Requests per second.
    pub max_rps: Option<f64>,
    /// The longest that an exchange may take.
    pub timeout: Duration,
}

/// Its jobs carry numbers that are this far behind the second's own, where a run that begins in that second does not come.
const NUMBERS: u64 = 500;

/// Asks for it, if the run so far has a denial, ended as planned, and has gone over sockets.
pub async fn ask(recording: &Recording, session: &Session, reason: EndReason, bounds: Bounds) -> Result<Option<SecondOpinion>, RunError> {
    let Some(certificates) = session
        .certificates
        .as_ref()
        .filter(|_| reason == EndReason::Complete && recording.has_denials() && ordinary::is_plain(&session.target))
    else {
        return Ok(None);
    };
    let journal = recording.so_far()?;
    let scans = journal.exchanges.iter().filter_map(|exchange| exchange.scan.get()).max().map_or(0, |last| last + 1);
    let wanted = TRIES.min(scans);
    let Some(sequence) = worth_trying(&journal) else { return Ok(None) };
    let limit = bounds.timeout + session.target.long_poll();
    // A client each, so that the poll travels on another connection.
    let first = ordinary::client(session.target.base_url(), certificates, limit)?;
    let second = if sequence.apart { ordinary::client(session.target.base_url(), certificates, limit)? } else { first.clone() };
    let trying = Trying { target: &session.target, first, second, sequence, max_rps: bounds.max_rps };
    let first_n = session.first_n() + NUMBERS;
    let mut tries = Vec::new();
    for nth in 0..wanted {
        if !bounds.jobs.start() {
            break;
        }
        tries.push(trying.once(first_n + nth).await);
    }
    Ok((!tries.is_empty()).then_some(SecondOpinion { sequence, tries }))
}

fn worth_trying(journal: &Journal) -> Option<Sequence> {
    smallest_sequence(journal).filter(|sequence| sequence.age.0 <= LONGEST_AGE.as_nanos() as i64)
}

struct Trying<'a> {
    target: &'a Target,
    first: Client,
    second: Client,
    sequence: Sequence,
    max_rps: Option<f64>,
}

impl Trying<'_> {
    /// One job, polled once.
    async fn once(&self, n: u64) -> SecondTry {
        let began = Instant::now();
        let tried = self.job(Variables { n, uuid: fresh(), ..Variables::default() }).await;
        if let Some(rps) = self.max_rps {
            // Two requests take up the time of two.
            let due = Duration::try_from_secs_f64(2.0 / rps).unwrap_or_default();
            tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
        }
        tried
    }

    async fn job(&self, variables: Variables) -> SecondTry {
        let not_accepted = |http, answer| SecondTry { age: None, http, answer };
        let mut asking = ordinary::Asking::new(&self.first, self.target);
        let mut variables = variables;
        if asking.prepare(&mut variables).await.is_err() {
            return not_accepted(None, Answer::Transport);
        }
        let Ok(posted) = asking.ask(&variables, |variables| self.target.initiate(variables)).await.answer else {
            return not_accepted(None, Answer::Transport);
        };
        let handed_out = Instant::now();
        let accepted = match with_reply(&posted, |reply| self.target.read_initiate(reply, &variables)) {
            Initiated::Accepted(accepted) => accepted,
            Initiated::Failed { answer, .. } => return not_accepted(Some(posted.http), answer),
        };
        variables.captured = accepted.captured.clone();
        let age = Duration::from_nanos(self.sequence.age.0.max(0).unsigned_abs());
        tokio::time::sleep(age.saturating_sub(handed_out.elapsed())).await;
        let sent = Some(Nanos::from(handed_out.elapsed()));
        let status = |variables: &Variables| self.target.status(variables, Caller::Owner, &accepted, None);
        match asking.by(&self.second).ask(&variables, status).await.answer {
            Ok(answer) => SecondTry { age: sent, http: Some(answer.http), answer: self.read(&answer, &accepted.id, &variables) },
            Err(Unanswered::Request(_)) => not_accepted(Some(posted.http), Answer::Transport),
            Err(Unanswered::Client(_)) => SecondTry { age: sent, http: None, answer: Answer::Transport },
        }
    }

    fn read(&self, answer: &Answered, id: &str, variables: &Variables) -> Answer {
        with_reply(answer, |reply| self.target.read_status(reply, About::scan(id, variables))).answer
    }
}
