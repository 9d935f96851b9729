//! What an API's contract is, learnt from one job: it is asked for, polled until it ends, and two ids are asked for that were never issued.
//!
//! All of it by an ordinary client: nothing is measured here to more than a few milliseconds.

use std::time::{Duration, Instant};

use crate::client::{Client, ClientError};
use crate::draft::infer::{self, Evidence, IdPlace, Poll, Token};
use crate::draft::{Answers, Draft, DraftError, Filling, Lookup};
use crate::model::call::{Answered, Call};
use crate::model::contact::{QUOTED, visible};
use crate::model::limits::cut;
use crate::model::time::Stamp;
use crate::probe::is_loopback;
use crate::target::{LoginOutcome, Turn, Validity, Variables, filled_id};

/// At most so many polls of the one job.
pub const POLLS: usize = 60;

/// Requests about ids that were never issued.
pub const CONTROLS: usize = 3;

/// The first pause between two polls, of a target on this machine and of any other; it grows by half each time.
pub(super) const FIRST_PAUSE: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(250)];

/// The longest pause.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// For how long a visible job is looked at whose answer has no word for a state.
const WITHOUT_STATE: Duration = Duration::from_secs(5);

/// What happens on the way.
#[derive(Debug, Clone, Copy)]
pub enum LearnNote<'a> {
    /// The login was answered.
    LoggedIn(&'a Answered, &'a Token),
    /// The POST was answered after so long.
    Posted(&'a Answered, Duration),
    /// The id, and its place in that answer.
    Id(&'a str, &'a IdPlace),
    /// The answer about an id that was never issued.
    Never(&'a Answered),
    /// A poll of the job was answered.
    Polled(&'a Poll),
}

/// Why nothing could be learnt.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// Something has to be decided by whoever asks.
    #[error(transparent)]
    Undecided(DraftError),
    /// The target's answers cannot be used.
    #[error(transparent)]
    Target(DraftError),
}

/// How it is learnt.
pub struct Learning<'a> {
    /// Who sends.
    pub client: &'a Client,
    /// What is sent.
    pub draft: &'a Draft,
    /// The environment.
    pub lookup: Lookup<'a>,
    /// For how long the job is polled at most.
    pub wait: Duration,
    /// Where the id stands, if that was said.
    pub id_at: Option<String>,
}

impl Learning<'_> {
    /// Learns. `note` hears of each answer; `choose` may settle what is ambiguous.
    pub async fn learn(
        &self,
        note: &mut dyn FnMut(LearnNote<'_>),
        choose: &mut dyn FnMut(&DraftError) -> Option<String>,
    ) -> Result<Answers, LearnError> {
        let token = self.log_in(note).await?;
        let mut asking = Asking { learning: self, began: Instant::now(), validity: Validity::default(), token: String::new() };
        asking.logged_in(token.as_ref());
        let variables = Variables { n: first_n(), uuid: fresh(), ..Variables::default() };
        let given = self.draft.id_of_the_client();
        let given_id = given.as_deref().and_then(|template| filled_id(template, &variables));
        let initiate = asking.initiate(given_id.as_deref().unwrap_or_default());
        let sent = Instant::now();
        let posted = self.client.send(&initiate).await.map_err(|why| self.no_answer(&initiate, &why))?;
        let handed_out = Instant::now();
        asking.validity.answered(Some(posted.http), Turn::First);
        note(LearnNote::Posted(&posted, handed_out - sent));
        if !posted.is_success() && !posted.is_redirect_to_what_it_made() {
            return Err(self.not_accepted(&initiate, &posted));
        }
        let (id, id_at) = match (given_id, given) {
            (Some(id), Some(template)) => (id, IdPlace::Client(template)),
            _ => self.id(&posted, choose)?,
        };
        note(LearnNote::Id(&id, &id_at));
        let is_list = self.draft.pair.asks_for_a_list();
        let mut evidence = Evidence { posted, id, is_list, variables, ..Evidence::default() };
        asking.poll(&mut evidence, handed_out, note).await?;
        let unknown_id = asking.controls(&mut evidence, note).await?;
        asking.follow(&mut evidence, handed_out, note).await?;
        Ok(Answers { evidence, id_at, unknown_id, token })
    }

    /// What the login gives, if there is one.
    async fn log_in(&self, note: &mut dyn FnMut(LearnNote<'_>)) -> Result<Option<Token>, LearnError> {
        let (Some(login), Some(call)) =
            (&self.draft.pair.login, self.draft.login(Filling { lookup: self.lookup, token: "", fresh: &fresh() }))
        else {
            return Ok(None);
        };
        let answer = self.client.send(&call).await.map_err(|why| self.no_answer(&call, &why))?;
        if !answer.is_success() && login.cookie.is_none() {
            return Err(self.refused(&call, &answer, "are the user and the password of the login still right?"));
        }
        let token = infer::token(&answer, login).map_err(LearnError::Target)?;
        note(LearnNote::LoggedIn(&answer, &token));
        Ok(Some(token))
    }

    /// The id in the answer to the POST.
    fn id(&self, posted: &Answered, choose: &mut dyn FnMut(&DraftError) -> Option<String>) -> Result<(String, IdPlace), LearnError> {
        let error = match infer::id(posted, &self.draft.pair, self.id_at.as_deref()) {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        match choose(&error) {
            Some(named) => infer::id(posted, &self.draft.pair, Some(&named)).map_err(LearnError::Undecided),
            None if error.choice.is_some() => Err(LearnError::Undecided(error)),
            None => Err(LearnError::Target(self.with_answer(error, posted))),
        }
    }

    fn no_answer(&self, call: &Call, why: &ClientError) -> LearnError {
        LearnError::Target(DraftError {
            what: self.draft.shown(&format!("{} {} got no answer: {why}", call.method, without_query(&call.url))),
            hint: "is the address right, and does the service run?".to_owned(),
            line: None,
            choice: None,
        })
    }

    fn not_accepted(&self, initiate: &Call, posted: &Answered) -> LearnError {
        let hint = match posted.http {
            300..=399 => {
                let to = posted.header("location").map_or_else(String::new, |to| format!(" (it leads to {})", visible(to)));
                return self.refused(initiate, posted, &format!("no redirect is followed: give the address that it leads to{to}"));
            }
            401 | 403 | 407 if self.draft.secrets.is_empty() && self.draft.variables.is_empty() => {
                "the request has no credentials: give a curl command that has them (--curl FILE)"
            }
            401 | 403 | 407 => "are the credentials of the first request still valid? Copy it again after logging in",
            404 | 405 | 410 | 501 => "is this the address that starts a job, and the right method?",
            400 | 406 | 411 | 413 | 415 | 422 => "the service does not take this request: copy one that worked",
            409 => "does the service allow one such job only? Change the input so that each one is new",
            429 => "the service limits requests: try again later",
            _ => "try the first request by hand; see the service's own log",
        };
        self.refused(initiate, posted, hint)
    }

    fn refused(&self, call: &Call, answer: &Answered, hint: &str) -> LearnError {
        LearnError::Target(DraftError {
            what: self.draft.shown(&format!(
                "{} {} was not accepted: HTTP {} {}",
                call.method,
                without_query(&call.url),
                answer.http,
                quoted(answer)
            )),
            hint: self.draft.shown(hint),
            line: None,
            choice: None,
        })
    }

    fn with_answer(&self, error: DraftError, answer: &Answered) -> DraftError {
        DraftError { what: self.draft.shown(&format!("{}: {}", error.what, quoted(answer))), ..error }
    }
}

/// The requests of one job.
struct Asking<'a, 'b> {
    learning: &'a Learning<'b>,
    began: Instant,
    validity: Validity,
    /// What the last login gave.
    token: String,
}

impl Asking<'_, '_> {
    fn initiate(&self, id: &str) -> Call {
        self.filled(|filling| self.learning.draft.initiate(filling, id))
    }

    fn now(&self) -> Stamp {
        Stamp::default().after(self.began.elapsed())
    }

    /// Takes down what a login gave, if anything.
    fn logged_in(&mut self, token: Option<&Token>) {
        let at = self.now();
        let outcome = match token {
            Some(token) => {
                self.token.clone_from(&token.value);
                LoginOutcome::Given { at, lasts: token.lasts }
            }
            None => LoginOutcome::Failed { at },
        };
        self.validity = self.validity.after(&[outcome]);
    }

    async fn renew(&mut self) -> bool {
        // A login that fails says nothing of the job: then the answer to the request stands.
        let token = self.learning.log_in(&mut |_| {}).await.ok().flatten();
        self.logged_in(token.as_ref());
        token.is_some()
    }

    /// Asks for a status; with a new login, where the old one has expired.
    async fn ask(&mut self, id: &str) -> Result<Answered, (Call, ClientError)> {
        let client = self.learning.client;
        if self.learning.draft.pair.login.is_none() {
            let status = self.status(id);
            return client.send(&status).await.map_err(|why| (status, why));
        }
        if !self.validity.will_do(self.now()) {
            self.renew().await;
        }
        let may_have_expired = self.validity.may_have_expired(self.now());
        let status = self.status(id);
        let answer = client.send(&status).await.map_err(|why| (status, why))?;
        self.validity.answered(Some(answer.http), Turn::First);
        if answer.http != 401 || !may_have_expired || !self.renew().await {
            return Ok(answer);
        }
        let status = self.status(id);
        let answer = client.send(&status).await.map_err(|why| (status, why))?;
        self.validity.answered(Some(answer.http), Turn::Again);
        Ok(answer)
    }

    fn status(&self, id: &str) -> Call {
        self.filled(|filling| self.learning.draft.status(filling, id))
    }

    fn filled(&self, call: impl FnOnce(Filling<'_>) -> Call) -> Call {
        call(Filling { lookup: self.learning.lookup, token: &self.token, fresh: &fresh() })
    }

    /// One poll of the job.
    async fn poll(&mut self, evidence: &mut Evidence, handed_out: Instant, note: &mut dyn FnMut(LearnNote<'_>)) -> Result<(), LearnError> {
        let age_ms = handed_out.elapsed().as_secs_f64() * 1e3;
        let answer = match self.ask(&evidence.id).await {
            Ok(answer) => answer,
            // One failure among many says nothing: the next poll does.
            Err(_) if evidence.polls.len() > 1 => return Ok(()),
            Err((status, why)) => return Err(self.learning.no_answer(&status, &why)),
        };
        let poll = Poll { age_ms, answer };
        note(LearnNote::Polled(&poll));
        evidence.polls.push(poll);
        Ok(())
    }

    /// Asks for ids that were never issued, each another one, so that what changes by itself is not taken for a constant. The template
    /// that is answered as the surest one is, and fills in a new id each time, is preferred.
    async fn controls(&mut self, evidence: &mut Evidence, note: &mut dyn FnMut(LearnNote<'_>)) -> Result<String, LearnError> {
        let templates = self.learning.draft.never_issued(&evidence.id, &rand::random());
        // The last one has the look of the job's own id.
        let (Some(preferred), Some(sure)) = (templates.first().cloned(), templates.last().cloned()) else {
            return Ok("{uuid}".to_owned());
        };
        let first = self.control(&sure).await?;
        note(LearnNote::Never(&first));
        let second = self.control(&preferred).await?;
        let is_alike = first.http == second.http && first.json().is_some() == second.json().is_some();
        evidence.never.push(first);
        if preferred == sure || is_alike {
            evidence.never.push(second);
            return Ok(preferred);
        }
        let other = self.learning.draft.never_issued(&evidence.id, &rand::random());
        evidence.never.push(self.control(other.last().unwrap_or(&sure)).await?);
        Ok(sure)
    }

    async fn control(&mut self, template: &str) -> Result<Answered, LearnError> {
        let variables = Variables { n: 1000 + u64::from(rand::random::<u16>()) % 1000, uuid: fresh(), ..Variables::default() };
        let id = filled_id(template, &variables).unwrap_or_else(|| variables.uuid.clone());
        self.ask(&id).await.map_err(|(status, why)| self.learning.no_answer(&status, &why))
    }

    /// Polls until the job has ended, the time is over, or so much is sent as was said.
    async fn follow(
        &mut self,
        evidence: &mut Evidence,
        handed_out: Instant,
        note: &mut dyn FnMut(LearnNote<'_>),
    ) -> Result<(), LearnError> {
        let mut pause = FIRST_PAUSE[usize::from(!is_loopback(&self.learning.draft.origin))];
        let mut visible_since = None;
        while handed_out.elapsed() < self.learning.wait && evidence.polls.len() < POLLS && !infer::has_ended(evidence) {
            if infer::is_visible(evidence) {
                let since = *visible_since.get_or_insert_with(Instant::now);
                let has_state = infer::Contract::of(evidence, &self.learning.draft.pair).is_ok_and(|contract| contract.state.is_some());
                if !has_state && since.elapsed() > WITHOUT_STATE {
                    break;
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
            self.poll(evidence, handed_out, note).await?;
        }
        Ok(())
    }
}

/// A number that no scan of an earlier run has had.
pub(super) fn first_n() -> u64 {
    jiff::Timestamp::now().as_second().unsigned_abs() * 1000 + 999
}

/// A text that no other request has.
pub(super) fn fresh() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// The beginning of a body, as a terminal may show it.
pub fn quoted(answer: &Answered) -> String {
    let content = answer.content();
    let text = String::from_utf8_lossy(&content);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { "with an empty body".to_owned() } else { cut(visible(&text), QUOTED) }
}

fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}
