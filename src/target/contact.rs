//! First contact, judged: what the answers to the first requests say about the target file, and which key of it to change.
//!
//! A pure function of the file and the answers. Only what cannot work ends a run here. A job that is denied at first is the fault
//! that a run looks for, so a denial alone never does.

use std::collections::BTreeSet;

use http::{HeaderMap, Method};
use serde_json::Value;

use crate::model::answer::{Answer, TransportFault};
use crate::model::contact::{Problem, QUOTED, Unrouted, same_shape, shape, shape_without, visible};
use crate::model::limits::cut;
use crate::model::secret_names::is_credential;

use super::captured::About;
use super::never_issued::ErrorMember;
use super::other_id::OtherId;
use super::reading::LONGEST_ID;
use super::request::{Body, Endpoint, Filling};
use super::selector::{Extracted, Opened, Selector, plain};
use super::{Accepted, IdSource, Reply, Request, RequestError, Target, Variables, template};

/// So many bytes are quoted of what stands beside another quote: the advice behind both must stay short.
const QUOTED_BESIDE: usize = 80;

/// So many members of a reply are listed.
const LISTED: usize = 12;

/// An answer, as far as it is judged. Its texts have no secrets in them.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Method and path.
    pub asked: String,
    /// What it means under the contract.
    pub answer: Answer,
    /// The HTTP status code.
    pub http: Option<u16>,
    /// Why no complete reply arrived.
    pub fault: Option<TransportFault>,
    /// What the contract has to say about it, as a fragment; or why the request could not be sent.
    pub reason: Option<String>,
    /// Headers that explain it.
    pub headers: Explaining,
    /// The body as text.
    pub body: String,
    /// The id that was asked for; empty for a POST.
    pub id: String,
    /// For a POST that was accepted: what is wrong with where the id should be.
    pub id_fault: Option<IdFault>,
    /// Signs that the target knows the job, whatever the rules make of the answer.
    pub knows: Knows,
}

/// What in a status answer shows that the target knows the job.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Knows {
    /// The word at `[status] state`, if `[status.states]` lists it.
    pub state: Option<String>,
    /// Whether a member of the body, or its name, is the id that was asked for.
    pub named: bool,
    /// Whether there is any word at `[status] state`.
    pub has_state: bool,
    /// The place in the file of the rule that gave the answer its meaning.
    pub rule: Option<usize>,
    /// Where the body says that something went wrong.
    pub error: Option<ErrorMember>,
    /// The id that the answer says it is about.
    pub echo: Option<String>,
    /// Whether the body calls what was asked for a batch, a parent or the like.
    pub of_several: bool,
}

/// The headers that explain an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Explaining {
    /// `Location`.
    pub location: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Encoding`.
    pub encoding: Option<String>,
    /// `Retry-After`.
    pub retry_after: Option<String>,
    /// `Allow`.
    pub allow: Option<String>,
}

/// What is wrong with the place where an accepted POST should have its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdFault {
    /// The body is not JSON.
    NotJson,
    /// Nothing, or null; the reply has these places instead.
    Nothing(Vec<String>),
    /// An object or a list, or a number that cannot be read exactly; these places are below it.
    NoText(Vec<String>),
    /// An empty text.
    Empty,
    /// A text that is too long to be sent back.
    TooLong,
    /// A text that the pattern does not match.
    Unmatched,
    /// The id is there, but no address to follow.
    NoAddress(String),
}

/// What the status answers of a first contact say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatusFinding {
    /// Nothing stands in the way; there may be something to look at.
    GoOn(Option<String>),
    /// Ask once more, after a while: it may be a service that has only just accepted the job.
    AskAgain(Problem),
    /// The run goes on, and cannot be judged if no job is ever visible.
    Doubtful(Unrouted),
    /// The run cannot work.
    End(Problem),
}

impl Explaining {
    /// The headers of a reply; `clean` strikes out secrets.
    pub fn of(headers: &HeaderMap, clean: impl Fn(String) -> String) -> Explaining {
        let text = |name: http::HeaderName| headers.get(name).map(|value| clean(String::from_utf8_lossy(value.as_bytes()).into_owned()));
        Explaining {
            location: text(http::header::LOCATION),
            content_type: text(http::header::CONTENT_TYPE),
            encoding: text(http::header::CONTENT_ENCODING),
            retry_after: text(http::header::RETRY_AFTER),
            allow: text(http::header::ALLOW),
        }
    }
}

impl Heard {
    /// The code and the first bytes of the body, or why there was none: the part of a sentence after the request.
    pub fn answered(&self) -> String {
        self.answered_within(QUOTED)
    }

    /// The same with so many bytes of the body.
    fn answered_within(&self, longest: usize) -> String {
        match (self.fault, self.http) {
            (Some(TransportFault::Request), _) => "could not be sent".to_owned(),
            (Some(fault), _) => format!("got no answer ({})", fault.word()),
            (None, Some(http)) => format!("answered {http} {}", self.quoted_within(longest)),
            (None, None) => "got no answer".to_owned(),
        }
    }

    /// The first bytes of the body, so that they can be shown on a terminal.
    fn quoted(&self) -> String {
        self.quoted_within(QUOTED)
    }

    fn quoted_within(&self, longest: usize) -> String {
        if self.body.trim().is_empty() {
            return "with an empty body".to_owned();
        }
        let unreadable = self.body.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER || *c == '\0').count();
        if unreadable * 10 > self.body.chars().count() {
            let coding = self.headers.encoding.as_ref().map_or(String::new(), |coding| format!(" (content-encoding: {})", visible(coding)));
            return format!("with a body that is not text{coding}");
        }
        format!("`{}`", cut(visible(self.body.trim()), longest))
    }

    fn is_web_page(&self) -> bool {
        let begins = self.body.trim_start().get(..15).unwrap_or(self.body.trim_start()).to_ascii_lowercase();
        let said = self.headers.content_type.as_deref().is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html"));
        said || begins.starts_with("<!doctype html") || begins.starts_with("<html")
    }

    fn is_like(&self, other: &Heard) -> bool {
        (self.http, self.fault, &self.headers.content_type) == (other.http, other.fault, &other.headers.content_type)
            && (same_shape(&shape(&self.body, &self.id), &shape(&other.body, &other.id))
                || same_shape(&self.without_segments(), &other.without_segments()))
    }

    /// The shape of its body without the segments of the path: some routers name the last one alone.
    fn without_segments(&self) -> String {
        let path = self.asked.split_once(' ').map_or("", |(_, path)| path);
        let segments: Vec<&str> = path.split(['/', '?', '&', '=']).filter(|segment| !segment.is_empty()).collect();
        shape_without(&self.body, &self.id, &segments)
    }

    pub(super) fn problem(&self, change: impl Into<String>) -> Problem {
        Problem { asked: cut(self.asked.clone(), QUOTED), answered: self.answered(), change: change.into(), may_pass: false }
    }
}

impl Target {
    /// What is wrong with the id of a reply that was accepted by its code; `None` if it is not, or if there is an id.
    pub fn id_fault(&self, reply: &Reply<'_>, variables: &Variables) -> Option<IdFault> {
        let opened = Opened::new(reply);
        if !self.initiate_reader.accept.contain(reply.http) {
            return None;
        }
        let fault_beside = || match self.read_initiate(reply, variables) {
            super::Initiated::Accepted(_) => None,
            super::Initiated::Failed { reason, .. } => Some(IdFault::NoAddress(reason)),
        };
        let IdSource::InReply(place) = &self.initiate_reader.id else { return fault_beside() };
        match place.take(&opened, About::nothing()) {
            Extracted::NotJson => Some(IdFault::NotJson),
            Extracted::Nothing => Some(IdFault::Nothing(places(&opened, ""))),
            Extracted::Composite => {
                let below = match &place.selector {
                    Selector::Pointer(path) => path.pointer(About::nothing()),
                    _ => String::new(),
                };
                Some(IdFault::NoText(places(&opened, &below)))
            }
            Extracted::Unmatched(_) => Some(IdFault::Unmatched),
            Extracted::Text(text) if text.is_empty() => Some(IdFault::Empty),
            Extracted::Text(text) if text.len() > LONGEST_ID => Some(IdFault::TooLong),
            Extracted::Text(_) => fault_beside(),
        }
    }

    /// The same request as a poll, at a path that the API cannot have. `None` where no such path can be made: the poll went to a
    /// handed-out address, or is not a plain read.
    pub fn no_such_path(&self, variables: &Variables, accepted: &Accepted) -> Option<Result<Request, RequestError>> {
        let endpoint = &self.status.endpoint;
        let path = endpoint.path.as_ref().filter(|_| matches!(endpoint.method, Method::GET | Method::HEAD))?;
        let filling = Filling { variables, user: &endpoint.user, id: &accepted.id };
        let path = beside(&filling.fill_path(path), &[template::encode(&accepted.id), accepted.id.clone()], &variables.uuid);
        let poll = self.ask(endpoint, variables, &accepted.id);
        Some(poll.and_then(|poll| Ok(Request { url: endpoint.base(&self.base, variables.turn).path(&path)?, ..poll })))
    }

    /// What keeps the run from working, if the POST was not accepted.
    pub fn wrong_initiate(&self, heard: &Heard) -> Option<Problem> {
        if heard.answer == Answer::Accepted {
            return None;
        }
        if let Some(fault) = heard.fault {
            return Some(self.unreachable(heard, fault));
        }
        let http = heard.http.unwrap_or_default();
        let problem = |change: String| heard.problem(change);
        if let Some(fault) = &heard.id_fault {
            return Some(problem(self.wrong_id(heard, fault)));
        }
        Some(match http {
            401 => problem(self.credentials(&self.initiate)),
            403 => problem(format!("may `{}` ask for a job, and {}", self.initiate.user, self.credentials(&self.initiate))),
            407 => problem("a proxy asks for a password: put it into HTTP_PROXY or HTTPS_PROXY, or name the host in NO_PROXY".to_owned()),
            404 | 410 => problem(format!("is `[initiate] path` right, and does the API live at `base_url` ({})?", self.shown_url())),
            405 | 501 => problem(format!("is `[initiate] method` ({}) right?{}", self.initiate.method, allowed(heard))),
            406 => problem("the API has no answer of the kind that was asked for: set `Accept` in `[initiate] headers`".to_owned()),
            411 | 413 | 415 => problem(format!("look at {}, and at `Content-Type` in `[initiate] headers`", self.body_key())),
            429 => Problem { may_pass: true, ..problem(throttled(heard)) },
            500..=599 => Problem {
                may_pass: true,
                ..problem("the target itself failed: see its own log, and run again when a single POST works".to_owned())
            },
            300..=399 => problem(self.redirected(heard, "[initiate] path")),
            400..=499 if says_tls(&heard.body) => problem("this port speaks TLS: write https:// in `base_url`".to_owned()),
            400..=499 => problem(format!("the API does not take this request: look at {}", self.body_key())),
            _ if heard.is_web_page() => problem(self.web_page("[initiate] path")),
            _ => problem(format!("is {http} the code of an accepted job? then list it in `[initiate] accept`")),
        })
    }

    /// What keeps the run from working, if a step before the POST did not give what it should. `at` is its table in the file.
    pub fn wrong_step(&self, heard: &Heard, at: &str) -> Problem {
        if let Some(fault) = heard.fault {
            return self.unreachable(heard, fault);
        }
        let why = heard.reason.as_deref().map(visible).unwrap_or_default();
        match heard.http.unwrap_or_default() {
            401 | 403 => {
                heard.problem(format!("the credentials in `{at}` are not accepted: are the variables that it names set and valid?"))
            }
            429 => Problem { may_pass: true, ..heard.problem(throttled(heard)) },
            500..=599 => Problem { may_pass: true, ..heard.problem("the target itself failed: see its own log") },
            404 | 405 | 410 => heard.problem(format!("is `{at}` at the right path, with the right method?")),
            code if (200..300).contains(&code) => heard.problem(format!("{why}: look at `accept` and `capture` of `{at}`")),
            _ => heard.problem(format!("{why}: look at `{at}`")),
        }
    }

    /// What the answers about a job that was just accepted say. `nowhere` is how a path that does not exist is answered: asked for
    /// where `never` and `poll` are alike.
    pub fn status_finding(&self, never: Option<&Heard>, poll: &Heard, nowhere: Option<&Heard>) -> StatusFinding {
        // Where no other id can be asked for, the answer has to speak for itself.
        let alike = never.is_none_or(|never| Target::are_alike(never, poll));
        let problem = |change: String| StatusFinding::End(poll.problem(change));
        if let Some(fault) = poll.fault {
            return match fault {
                TransportFault::Request | TransportFault::TooLarge => StatusFinding::End(self.unreachable(poll, fault)),
                _ if never.is_none_or(|never| never.fault.is_some()) => StatusFinding::AskAgain(self.unreachable(poll, fault)),
                _ => StatusFinding::GoOn(Some(format!("`{}` {}", poll.asked, poll.answered()))),
            };
        }
        let http = poll.http.unwrap_or_default();
        match poll.answer {
            Answer::Visible if alike && poll.is_web_page() => problem(self.web_page("[status] path")),
            // Whatever is asked leads elsewhere: the API has moved, and no job has ended.
            Answer::Visible if never.is_some() && alike && (300..400).contains(&http) => problem(self.redirected(poll, "[status] path")),
            Answer::Visible => StatusFinding::GoOn(Target::odd_state(poll)),
            Answer::NotFound if Target::is_denied_by_rule(poll) && never.is_some_and(|never| never.answer != Answer::Visible) => {
                self.denied_by_rule(never, poll, nowhere, alike)
            }
            Answer::NotFound if !alike => StatusFinding::GoOn(None),
            // No redirect is followed, so no poll of the run would say anything.
            Answer::Malformed if (300..400).contains(&http) => problem(self.redirected(poll, "[status] path")),
            _ if !alike => StatusFinding::GoOn(Some(format!(
                "`{}`, the status of the job that was just accepted, {}{}. {} Only if every new job is answered so while older ones are not, \
                 that may be the gap: `[[status.answer]]` with `is = \"not_found\"` and `when = {{ http = {http} }}` has it measured",
                cut(poll.asked.clone(), QUOTED),
                poll.answered(),
                never.map_or_else(String::new, |never| format!("; an id that was never issued {}", never.answered_within(QUOTED_BESIDE))),
                self.usual_cause(poll)
            ))),
            Answer::Malformed if matches!(http, 405 | 501) => {
                problem(format!("is `[status] method` ({}) right?{}", self.status.endpoint.method, allowed(poll)))
            }
            Answer::Malformed if (200..300).contains(&http) => {
                let change = if poll.is_web_page() {
                    self.web_page("[status] path")
                } else {
                    format!(
                        "{}: look at `[status] path`, and at `[status] state`, which says where the body has the state",
                        poll.reason.clone().unwrap_or_else(|| "the target file gives this answer no meaning".to_owned())
                    )
                };
                problem(change)
            }
            Answer::NotFound | Answer::Refused if nowhere.is_none() => StatusFinding::GoOn(None),
            _ => match nowhere {
                Some(nowhere) if Target::are_alike(nowhere, poll) => self.like_no_such_path(poll, http),
                _ if poll.answer == Answer::NotFound => StatusFinding::GoOn(None),
                _ => StatusFinding::GoOn(Some(format!(
                    "`{}`, the status of the job that was just accepted, {}{}; `[[status.answer]]` can say what it means",
                    poll.asked,
                    poll.answered(),
                    never.map_or("", |_| ", and an id that was never issued gets the same answer")
                ))),
            },
        }
    }

    /// What such an answer about a job usually means, as a sentence.
    fn usual_cause(&self, poll: &Heard) -> String {
        match poll.answer {
            Answer::Throttled => {
                let wait = poll.headers.retry_after.as_ref().map_or(String::new(), |after| format!(" ({} s)", visible(after)));
                format!("That is a rate limit: wait{wait}, and stay below it with --max-rps.")
            }
            Answer::Refused => {
                let credentials = self.credentials(&self.status.endpoint);
                format!(
                    "The POST was accepted, and this user may not read: {credentials}{}",
                    if credentials.ends_with('?') { "" } else { "." }
                )
            }
            Answer::ServerError => "The service failed: see its own log.".to_owned(),
            _ => "The target file gives this answer no meaning, and `[[status.answer]]` can.".to_owned(),
        }
    }

    /// Whether a rule of the file reads an answer as `not_found`, and not its code.
    fn is_denied_by_rule(heard: &Heard) -> bool {
        heard.answer == Answer::NotFound && !matches!(heard.http, Some(404 | 410))
    }

    /// A rule denies the job. Where the target itself tells the job from an id that was never issued, the rule may be wrong.
    fn denied_by_rule(&self, never: Option<&Heard>, poll: &Heard, nowhere: Option<&Heard>, alike: bool) -> StatusFinding {
        let Some(never) = never else { return StatusFinding::GoOn(None) };
        let reads = "a rule of `[[status.answer]]` reads that as not_found, while an id that was never issued";
        if let (Some(state), None) = (&poll.knows.state, &never.knows.state)
            && !alike
        {
            return StatusFinding::End(poll.problem(format!(
                "a rule of `[[status.answer]]` reads the state `{}`, which `[status.states]` lists, as not_found, while an id that was never \
                 issued {}: correct the rule, or take the word off the list",
                visible(&cut(state.clone(), QUOTED_BESIDE)),
                never.answered_within(QUOTED_BESIDE),
            )));
        }
        let named = poll.knows.named && !never.knows.named;
        let is_routed = nowhere.is_none_or(|nowhere| !Target::are_alike(nowhere, poll));
        if !alike || (named && is_routed) {
            let why = if named { "; the job's answer has its id" } else { "" };
            return StatusFinding::Doubtful(Unrouted {
                asked: cut(poll.asked.clone(), QUOTED),
                http: poll.http.unwrap_or_default(),
                quoted: poll.quoted(),
                shape: None,
                change: format!("{reads} {}{why}: is that rule right?", never.answered_within(QUOTED_BESIDE)),
            });
        }
        if is_routed { StatusFinding::GoOn(None) } else { self.like_no_such_path(poll, poll.http.unwrap_or_default()) }
    }

    /// What in a status answer shows that the target knows the job.
    pub fn knows(&self, reply: &Reply<'_>, about: About<'_>) -> Knows {
        let id = about.id;
        let opened = Opened::new(reply);
        let reader = &self.status.reader;
        let word = reader.state.as_ref().and_then(|state| state.text(&opened, about));
        let is_success = (200..300).contains(&reply.http);
        let json = opened.json.as_ref();
        Knows {
            has_state: word.is_some(),
            state: word.filter(|word| is_success && reader.states.contains_key(word)),
            named: json.is_some_and(|json| names(json, id)),
            rule: reader.rules.iter().position(|rule| rule.when.holds(&opened, about)),
            error: json.and_then(ErrorMember::of),
            echo: reader.echo.as_ref().and_then(|echo| echo.text(&opened, about)),
            of_several: json.is_some_and(|json| self.is_of_several(json, id)),
        }
    }

    /// Something else of the POST's answer is visible, and may be no job but what the job is a part of: it proves nothing.
    pub fn perhaps_wrong_pointer(&self, other: &OtherId, known: &Heard) -> String {
        format!(
            "the job was not visible by what `[initiate] id` ({}) found, and {} of the same answer has `{}`, by which `{}` {}: if that is the \
             job's id, and not its batch's or parent's, `[initiate] id` must name it",
            self.initiate_reader.id.written(),
            cut(other.place.clone(), QUOTED_BESIDE),
            visible(&cut(other.id.clone(), QUOTED_BESIDE)),
            cut(known.asked.clone(), QUOTED),
            known.answered_within(QUOTED_BESIDE)
        )
    }

    /// The file's id was not known for as long as first contact waits, and something else in the same answer was at once.
    pub fn wrong_pointer(&self, poll: &Heard, waited: u64, other: &OtherId, known: &Heard) -> Problem {
        let at = self.initiate_reader.id.written();
        let problem = poll.problem(format!(
            "`[initiate] id` ({at}) found `{}` in its answer, where {} has `{}`, and `{}` {}: is that the job's id?",
            visible(&cut(poll.id.clone(), QUOTED_BESIDE)),
            cut(other.place.clone(), QUOTED_BESIDE),
            visible(&cut(other.id.clone(), QUOTED_BESIDE)),
            cut(known.asked.clone(), QUOTED_BESIDE),
            known.answered_within(QUOTED_BESIDE)
        ));
        Problem { answered: format!("{}, still {waited} s after the POST", problem.answered), ..problem }
    }

    /// What keeps the run from working, if the status of an id that was never issued is throttled.
    pub fn throttled(heard: &Heard) -> Problem {
        Problem { may_pass: true, ..heard.problem(throttled(heard)) }
    }

    /// Whether two requests were answered alike, but for the ids, paths and stamps in the answers.
    pub fn are_alike(one: &Heard, other: &Heard) -> bool {
        one.answer == other.answer && one.is_like(other)
    }

    /// The job, an id that was never issued and a path that does not exist are answered alike.
    fn like_no_such_path(&self, poll: &Heard, http: u16) -> StatusFinding {
        let endpoint = &self.status.endpoint;
        let credentials = || self.credentials(endpoint);
        let sent = |endpoint| self.says_who(endpoint).into_iter().map(|who| who.sent).collect::<BTreeSet<_>>();
        let own_credentials = sent(endpoint) != sent(&self.initiate);
        let unrouted = |change: String| {
            StatusFinding::Doubtful(Unrouted {
                asked: cut(poll.asked.clone(), QUOTED),
                http,
                quoted: poll.quoted(),
                shape: Some(shape(&poll.body, &poll.id)),
                change,
            })
        };
        match poll.answer {
            Answer::NotFound => unrouted("`[status] path` is answered like a path that does not exist".to_owned()),
            Answer::Refused if http == 403 && !own_credentials => unrouted(format!(
                "every status request is refused, also for a path that does not exist: is `[status] path` right, and may `{}` read it?",
                endpoint.user
            )),
            Answer::Refused => StatusFinding::AskAgain(poll.problem(format!("the POST was accepted, but {}", credentials()))),
            Answer::Throttled => StatusFinding::AskAgain(Problem { may_pass: true, ..poll.problem(throttled(poll)) }),
            Answer::ServerError => StatusFinding::AskAgain(Problem {
                may_pass: true,
                ..poll.problem("every status request fails, also for a path that does not exist: see the target's own log")
            }),
            _ => StatusFinding::AskAgain(poll.problem(format!(
                "every status request gets this answer: look at `[status] path`, `method` and `headers`; `[[status.answer]]` can say what \
                 {http} means"
            ))),
        }
    }

    fn odd_state(poll: &Heard) -> Option<String> {
        let reason = poll.reason.as_ref()?;
        Some(format!(
            "`{}` {}: {}; look at `[status] state` and `[status.states]`, or states are not assessed",
            poll.asked,
            poll.answered(),
            visible(reason)
        ))
    }

    fn unreachable(&self, heard: &Heard, fault: TransportFault) -> Problem {
        let base = self.shown_url();
        let (may_pass, change) = match fault {
            TransportFault::Connect => {
                (true, format!("nothing accepts connections at {base}: is the target up, and is `base_url` its address?"))
            }
            TransportFault::ConnectTimeout => {
                (true, format!("no connection to {base} in time: is `base_url` right, and may this machine reach it?"))
            }
            TransportFault::Resolve => (false, format!("the host of `base_url` ({base}) has no address: is its name spelt right?")),
            TransportFault::Tls => (
                false,
                format!(
                    "no TLS with {base}: a port that speaks plain HTTP wants http:// in `base_url`; a certificate from an authority of your own \
                     wants `[tls] ca` or --ca-cert"
                ),
            ),
            TransportFault::Protocol if let Some(rule) = &heard.reason => (
                false,
                format!(
                    "the reply has {rule}, which is not read: see with `curl -i` what the target, or a proxy before it, sends, and have it corrected"
                ),
            ),
            TransportFault::Protocol => (
                false,
                format!(
                    "what answers at {base} does not speak the HTTP that was asked for: is the port in `base_url` right? A port that speaks TLS \
                     wants https://, and one that speaks HTTP/2 alone wants --http2, or `http = \"2\"` in the target file"
                ),
            ),
            TransportFault::Closed => (
                true,
                format!(
                    "{base} closes the connection: is the port in `base_url` right? A port that speaks TLS wants https://, and one that speaks HTTP/2 alone wants --http2"
                ),
            ),
            TransportFault::FirstByteTimeout | TransportFault::Timeout => {
                (true, format!("{base} takes the request and does not answer in time: is the target healthy? --timeout allows for more"))
            }
            TransportFault::Proxy => (
                false,
                "the proxy of HTTP_PROXY, HTTPS_PROXY or ALL_PROXY did not let it through: NO_PROXY names hosts that need none".to_owned(),
            ),
            TransportFault::TooLarge => (false, "the body is larger than 1 MiB: does this path belong to the API?".to_owned()),
            TransportFault::Redirect => (false, "the redirect is not followed: name the address itself".to_owned()),
            TransportFault::Request => (false, heard.reason.clone().unwrap_or_else(|| "look at the path and the headers".to_owned())),
        };
        Problem { may_pass, ..heard.problem(change) }
    }

    fn wrong_id(&self, heard: &Heard, fault: &IdFault) -> String {
        let at = self.initiate_reader.id.written();
        let instead = |places: &[String]| {
            if places.is_empty() { String::new() } else { format!("; the reply has {}", places.join(", ")) }
        };
        match fault {
            _ if heard.is_web_page() && *fault == IdFault::NotJson => self.web_page("[initiate] path"),
            IdFault::NotJson if heard.headers.encoding.as_deref().is_some_and(|coding| coding != "identity") => format!(
                "the body is compressed ({}), although `Accept-Encoding: identity` was sent, and cannot be read: have the server or the proxy \
                 before it send it plain",
                visible(heard.headers.encoding.as_deref().unwrap_or_default())
            ),
            IdFault::NotJson => {
                let location = heard.headers.location.as_ref().map_or(String::new(), |location| {
                    format!("; there is a header `Location: {}`, which `{{ header = \"location\" }}` reads", visible(location))
                });
                format!("the body is not JSON, so `[initiate] id` ({at}) finds nothing{location}")
            }
            IdFault::Nothing(places) => {
                let location =
                    heard.headers.location.as_ref().map_or(String::new(), |location| format!(", and `Location: {}`", visible(location)));
                format!("`[initiate] id` ({at}) finds nothing{}{location}", instead(places))
            }
            IdFault::NoText(places) => {
                format!("`[initiate] id` ({at}) finds no text and no number that can be read exactly{}", instead(places))
            }
            IdFault::Empty => format!("the id at `[initiate] id` ({at}) is empty"),
            IdFault::TooLong => format!("the id at `[initiate] id` ({at}) is too long to be sent back"),
            IdFault::Unmatched => format!("the `pattern` of `[initiate] id` does not match what stands at {at}"),
            IdFault::NoAddress(reason) if reason.contains("to capture") => format!("{}: look at `[initiate] capture`", visible(reason)),
            IdFault::NoAddress(reason) => format!("{}: look at `follow` in `[status]`, `[witness]` and `[results]`", visible(reason)),
        }
    }

    /// Which header, user and variable say who asks at an endpoint.
    fn credentials(&self, endpoint: &Endpoint) -> String {
        let who = self.says_who(endpoint);
        let user = &endpoint.user;
        if who.is_empty() {
            return format!(
                "the target file sends no credentials as `{user}`: add `[users.{user}]` with `headers = {{ Authorization = \"Bearer ${{TOKEN}}\" }}`"
            );
        }
        let variables: Vec<String> = who.iter().flat_map(|sent| &sent.variables).map(|name| format!("`${name}`")).collect();
        let places: Vec<String> = who.iter().map(|sent| sent.place.clone()).collect();
        match variables.as_slice() {
            [] => format!("is what {} sends still valid?", places.join(" and ")),
            [one] => format!("is {one} set and valid? It is sent by {}", places.join(" and ")),
            _ => format!("are {} set and valid? They are sent by {}", variables.join(" and "), places.join(" and ")),
        }
    }

    /// What of an endpoint's requests says who asks, read from the file as it is written, since values are secrets.
    fn says_who(&self, endpoint: &Endpoint) -> Vec<SaysWho> {
        let Ok(file) = self.source_text.parse::<toml::Table>() else { return Vec::new() };
        let headers = |table: Option<&toml::Value>| -> Vec<(String, String)> {
            let headers = table.and_then(|table| table.get("headers")).and_then(toml::Value::as_table);
            headers.into_iter().flatten().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
        };
        let user = &endpoint.user;
        let table = if std::ptr::eq(endpoint, &raw const self.initiate) { "initiate" } else { "status" };
        let own = headers(file.get(table));
        let mut found = Vec::new();
        for (name, value) in headers(file.get("users").and_then(|users| users.get(user))) {
            if own.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                continue;
            }
            found.extend(SaysWho::read(&name, &value, format!("`{name}` in `[users.{user}] headers`")));
        }
        for (name, value) in &own {
            found.extend(SaysWho::read(name, value, format!("`{name}` in `[{table}] headers`")));
        }
        let path = file.get(table).and_then(|table| table.get("path")).and_then(toml::Value::as_str).unwrap_or_default();
        let variables = variables(path);
        if !variables.is_empty() {
            let sent = (String::new(), variables.join(" "));
            found.push(SaysWho { place: format!("`[{table}] path`"), sent, variables });
        }
        found
    }

    fn redirected(&self, heard: &Heard, path: &str) -> String {
        let Some(location) = &heard.headers.location else {
            return format!("a redirect without an address: is `{path}` right?");
        };
        let to = self.base.resolve(location, super::OtherOrigins::FollowedWithoutCredentials).ok().map(|to| to.url);
        let same_host = |url: &url::Url| url.host_str().is_some_and(|host| self.base.origin().ascii_serialization().contains(host));
        let is_same_in_tls =
            to.as_ref().is_some_and(|url| url.scheme() == "https" && same_host(url)) && !self.base.text().starts_with("https:");
        let told = visible(location);
        if is_same_in_tls {
            format!("it redirects to {told}: write https:// in `base_url`")
        } else {
            format!(
                "it redirects to {told}, and redirects are not followed: name that address in `base_url` or `{path}`; if it is a login page, the \
                 credentials are not accepted"
            )
        }
    }

    fn web_page(&self, path: &str) -> String {
        format!("a web page, and no answer of an API: are `base_url` ({}) and `{path}` right?", self.shown_url())
    }

    /// The key that holds the initiate's body.
    fn body_key(&self) -> &'static str {
        match &self.initiate.body {
            Body::None => "`[initiate]`: it sends no body, and `json`, `form` or `body` would",
            Body::Json(_) => "`[initiate] json`",
            Body::Form(_) => "`[initiate] form`",
            Body::Text(_) => "`[initiate] body`",
        }
    }
}

/// Something that says who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SaysWho {
    place: String,
    /// The name and the value, as they stand in the file.
    sent: (String, String),
    /// The environment variables in it.
    variables: Vec<String>,
}

impl SaysWho {
    fn read(name: &str, value: &str, place: String) -> Option<SaysWho> {
        let variables = variables(value);
        (is_credential(name) || !variables.is_empty()).then(|| SaysWho {
            place,
            sent: (name.to_ascii_lowercase(), value.to_owned()),
            variables,
        })
    }
}

/// The environment variables that a text names.
fn variables(text: &str) -> Vec<String> {
    let names = text.split("${").skip(1).map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect());
    names.filter(|name: &String| !name.is_empty()).collect::<BTreeSet<_>>().into_iter().collect()
}

fn allowed(heard: &Heard) -> String {
    heard.headers.allow.as_ref().map_or(String::new(), |allow| format!(" The answer allows {}", visible(allow)))
}

fn throttled(heard: &Heard) -> String {
    let wait = heard.headers.retry_after.as_ref().map_or(String::new(), |after| format!(", and asks to wait ({} s)", visible(after)));
    format!("the limit is used up before the run begins{wait}: run again later, with --max-rps below the limit")
}

/// How servers complain of plain HTTP on a port for TLS.
fn says_tls(body: &str) -> bool {
    let body = body.to_ascii_lowercase();
    ["http request was sent to https", "http request to an https", "speaking plain http to an ssl", "requires tls"]
        .iter()
        .any(|words| body.contains(words))
}

/// A path like this one, at which an API has nothing: the last fixed segment before the id has another name, or there is one more.
fn beside(path: &str, ids: &[String], mark: &str) -> String {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let mark = format!("no-such-path-{}", mark.get(..8).unwrap_or("0"));
    let mut segments: Vec<String> = path.split('/').map(str::to_owned).collect();
    let has_id = |segment: &String| ids.iter().any(|id| !id.is_empty() && segment.contains(id.as_str()));
    let id_at = segments.iter().position(has_id).unwrap_or(segments.len());
    match segments[..id_at].iter().rposition(|segment| !segment.is_empty()) {
        Some(at) => segments[at] = format!("{}-{mark}", segments[at]),
        None => segments.insert(1.min(segments.len()), mark),
    }
    let path = segments.join("/");
    query.map_or(path.clone(), |query| format!("{path}?{query}"))
}

/// Whether a value in it, or a member's name, is this id.
fn names(json: &Value, id: &str) -> bool {
    match json {
        Value::Object(members) => members.iter().any(|(name, value)| name == id || names(value, id)),
        Value::Array(list) => list.iter().any(|value| names(value, id)),
        Value::String(_) | Value::Number(_) => plain(json).is_some_and(|text| text == id || template::encode(&text) == id),
        Value::Null | Value::Bool(_) => false,
    }
}

/// Where a reply has texts and numbers, as JSON Pointers; those at or below `below` where there are any.
fn places(reply: &Opened<'_>, below: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(json) = &reply.json {
        collect(json, String::new(), &mut found);
    }
    if !below.is_empty() && found.iter().any(|place| place.starts_with(below)) {
        found.retain(|place| place.starts_with(below));
    }
    let more = found.len().saturating_sub(LISTED);
    found.truncate(LISTED);
    let mut told: Vec<String> = found.into_iter().map(|place| format!("`{}`", visible(&cut(place, QUOTED_BESIDE)))).collect();
    if more > 0 {
        told.push(format!("{more} more"));
    }
    told
}

fn collect(value: &Value, at: String, found: &mut Vec<String>) {
    /// More than anybody wants to see, and few enough for a body of a mebibyte.
    const ENOUGH: usize = 1000;
    if found.len() >= ENOUGH {
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                collect(value, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate().take(LISTED) {
                collect(value, format!("{at}/{index}"), found);
            }
        }
        Value::Null => {}
        _ => found.push(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_beside_another_differs_in_a_segment_that_is_not_the_id() {
        for (path, expected) in [
            ("/v1/renders/j1", "/v1/renders-no-such-path-01234567/j1"),
            ("/v1/renders/j1/status?full=1", "/v1/renders-no-such-path-01234567/j1/status?full=1"),
            ("/j1", "/no-such-path-01234567/j1"),
            ("/status?id=j1", "/status-no-such-path-01234567?id=j1"),
            ("/", "/no-such-path-01234567/"),
        ] {
            assert_eq!(beside(path, &["j1".to_owned()], "0123456789abcdef"), expected);
        }
    }
}
