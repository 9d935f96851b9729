//! How a guarantee fared, as data: what broke it and which exchanges prove it, what proves nothing, and why nothing was checked.
//!
//! Counts have no unit; what ends in `_ns` is in nanoseconds. The sentences are made in `report`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Finding, PROOFS, PROOFS_OF_A_RUN, Regress};
use crate::analysis::echo::Doubt;
use crate::analysis::scan::ScanHistory;
use crate::model::answer::{Answer, State, TransportFault};
use crate::model::exchange::{Connection, Exchange, Kind};
use crate::model::guarantee::Guarantee;
use crate::model::time::{Nanos, Stamp};

/// How one guarantee fared.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// Which.
    pub guarantee: Guarantee,
    /// How many scans (or control polls) it could be checked on.
    pub checked: u64,
    /// How many of those broke it.
    pub broken: u64,
    /// What proves it, the clearest first; bounded.
    pub evidence: Vec<Proof>,
    /// Why nothing could be checked, where that is so.
    pub not_assessed: Option<NotAssessed>,
    /// What was seen that proves nothing, by its reason.
    pub unclear: Vec<Unclear>,
}

/// A breach and the exchanges that prove it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Proof {
    /// The scan, if it concerns one.
    pub scan: Option<u64>,
    /// What happened.
    #[serde(flatten)]
    pub breach: Breach,
    /// The exchanges, in the order in which they prove it: the last one is the breach.
    pub exchanges: Vec<Exhibit>,
}

/// In which way a guarantee was broken; the exchanges of the proof are named in their order.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "breach", rename_all = "snake_case")]
pub enum Breach {
    /// A poll for a never-issued id was answered as visible.
    NeverIssued {
        /// The id.
        id: Option<String>,
    },
    /// A foreign user's poll was answered as visible.
    ShownToForeigner,
    /// A poll was answered `not_found`: the first of so many, the last at this age.
    Denied {
        /// Denials of the scan.
        denials: u64,
        /// Age at the last of them.
        last_ns: Nanos,
    },
    /// Visible, then `not_found`.
    DeniedAfterVisible {
        /// Such denials of the scan.
        denials: u64,
    },
    /// A poll was answered with another id.
    OtherId {
        /// The scan's id.
        asked: String,
        /// The one in the answer.
        answered: String,
    },
    /// States or progress went back, over these polls.
    WentBack {
        /// In which way.
        regress: Regress,
    },
    /// An acknowledged change or deletion was shown, and later not.
    ChangeTakenBack,
    /// An update or a deletion was acknowledged, and polls that came after it did not show it.
    WriteNotShown {
        /// Such polls of the scan.
        polls: u64,
        /// How long after the acknowledgement the last of them was sent.
        late_ns: Nanos,
    },
    /// The witness or the results had said that it ended; status did not.
    EndNotShown,
    /// The witness knew it; status denied it.
    DeniedWhileWitnessed,
    /// Status showed a success; the results were not there afterwards.
    ResultsMissing,
    /// The witness had said that it ended; status said that it was at work.
    RunningAfterWitnessedEnd,
    /// Status showed one end, the witness later another.
    WitnessedOtherEnd,
    /// The witness had said that it failed; status did not say so.
    NotFailedAfterWitnessedDeath,
    /// A poll on a used connection was held back.
    HeldBack {
        /// The usual round trip on fresh connections.
        usual_ns: Nanos,
        /// Polls on fresh connections that were sent in the meantime and took long, too.
        slow: u64,
        /// All polls on fresh connections that were sent in the meantime.
        of: u64,
    },
}

/// An exchange of a proof.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Exhibit {
    /// What was asked.
    pub kind: Kind,
    /// How it travelled.
    pub connection: Connection,
    /// When it was sent: its stamp in the log.
    pub sent_ns: Stamp,
    /// The scan's age when it was sent; 0 where it belongs to none.
    pub age_ns: Nanos,
    /// How long its answer took.
    pub took_ns: Nanos,
    /// The HTTP status code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<u16>,
    /// What it was answered.
    pub answer: Answer,
    /// Why it was not answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<TransportFault>,
    /// How the scan stood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// The target's own word for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
    /// Progress, in the target's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
    /// Who answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
}

/// Something that a healthy service might show as well.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Unclear {
    /// Why it proves nothing.
    #[serde(flatten)]
    pub why: Ambiguity,
    /// In how many scans; 0 where it concerns the scenario as a whole.
    pub scans: u64,
    /// Of how many answers it is true, where it is about answers.
    pub hits: u64,
    /// Of how many.
    pub of: u64,
}

/// Why something proves nothing.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", content = "about", rename_all = "snake_case")]
pub enum Ambiguity {
    /// The id was handed out more than once.
    SharedId,
    /// The foreign user was answered 401.
    ForeignerUnknown,
    /// The echoed id may be the scan's, written otherwise.
    EchoedId(Doubt),
    /// The answers had another scan's id.
    OtherIds,
    /// Status denied it long after the witness had known it; what the witness was answered when asked again, if it was.
    WitnessedLongBefore(Option<Answer>),
    /// Status and witness name different ends, and the witness was asked once.
    WitnessedOtherEndOnce,
    /// The witness said that it was running after status had shown its end.
    WitnessStillRunning,
    /// The witness does not know a scan that status shows as ended.
    UnknownToWitness,
    /// Its last answer had this state, which is not listed.
    LastStateUnlisted(String),
    /// Its last answer had no state.
    LastStateAbsent,
    /// Its witness or results said that it had ended, and status was not asked again as long as a second after that.
    EndedElsewhere(Kind),
    /// It was at work when status last showed it, and denied from then on; who said that it had ended before that, if anybody did.
    ThenDenied(Option<Kind>),
    /// Its results were there while status said that it was at work, and no job was seen to end that would tell what that means.
    ResultsWhileRunning,
    /// At work when the watch ended, and nothing says that it had ended.
    StillRunning,
    /// An earlier state followed its end, while a cache was allowed to keep it.
    CachedState,
    /// After its end it had this state, which is not listed.
    UnlistedAfterEnd(String),
    /// After its end the answers had no state.
    NoStateAfterEnd,
    /// Progress fell.
    ProgressFell,
    /// A word of the answers is not listed as a state.
    UnlistedWord(String),
    /// A place of the target file gave no number.
    NoNumber(Place),
    /// A place of the target file was absent.
    Absent(Place),
    /// The place of the state held no listed word.
    NoListedWord(Place),
    /// The place of the id held a value that is not an id of this run.
    NoId {
        /// Where.
        place: Place,
        /// One of the values.
        example: String,
        /// Whether it is the same in all answers.
        constant: bool,
    },
    /// Polls took longer than a limit.
    SlowPolls {
        /// The limit.
        limit_ns: Nanos,
        /// On which connections.
        on: SlowOn,
    },
}

/// A place in a status answer, by its pointer in the target file; `None`: the state, by rules.
pub type Place = Option<String>;

/// On which connections polls were slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlowOn {
    /// On used and on fresh ones.
    Both,
    /// On used ones, by too little a difference.
    Used,
    /// On fresh ones.
    Fresh,
}

/// Why nothing could be checked.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", content = "about", rename_all = "snake_case")]
pub enum NotAssessed {
    /// The scenario was not begun.
    NothingMeasured,
    /// No control poll was answered.
    NoControlAnswered,
    /// Control polls were refused, and nothing was ever visible to this caller.
    ControlsRefused {
        /// Refused ones.
        refused: u64,
        /// All.
        of: u64,
    },
    /// No foreign user polled.
    NoForeignPoll,
    /// No poll was answered.
    NoPollAnswered,
    /// No scan was polled after it was visible.
    NotPolledAfterVisible,
    /// No scan was visible twice.
    NotSeenTwice,
    /// Status answers carry no id.
    NoEcho,
    /// No job was visible.
    NothingVisible,
    /// Neither witness nor results were read.
    NothingElseRead,
    /// No scan died.
    NoneDied,
    /// No scan was watched to its end.
    NotWatched,
    /// No scan ended by the deadline.
    NoneEnded,
    /// No poll went by a used connection.
    NoUsedConnection,
    /// No poll went by a fresh connection.
    NoFreshConnection,
    /// What was seen proves nothing.
    Unclear(Unclear),
}

impl Proof {
    /// A proof by exchanges of a scan.
    pub fn of_scan(scan: &ScanHistory<'_>, breach: Breach, exchanges: &[&Exchange]) -> Proof {
        let exchanges = exchanges.iter().map(|exchange| Exhibit::of(exchange, scan.age(exchange))).collect();
        Proof { scan: Some(scan.number()), breach, exchanges }
    }

    /// A proof by an exchange that belongs to no scan.
    pub fn of_none(breach: Breach, exchange: &Exchange) -> Proof {
        Proof { scan: None, breach, exchanges: vec![Exhibit::of(exchange, Nanos(0))] }
    }
}

impl Exhibit {
    fn of(exchange: &Exchange, age_ns: Nanos) -> Exhibit {
        Exhibit {
            kind: exchange.kind,
            connection: exchange.connection,
            sent_ns: exchange.sent,
            age_ns,
            took_ns: Nanos::from(exchange.round_trip()),
            http: exchange.http,
            answer: exchange.answer,
            fault: exchange.fault,
            state: exchange.state,
            word: exchange.word.as_deref().map(str::to_owned),
            progress: exchange.progress.get(),
            worker: exchange.worker.as_deref().map(str::to_owned),
        }
    }
}

impl Checked {
    /// A guarantee of which nothing is known yet.
    pub fn nothing(guarantee: Guarantee) -> Checked {
        Checked { guarantee, checked: 0, broken: 0, evidence: Vec::new(), not_assessed: None, unclear: Vec::new() }
    }

    /// Adds what one more scan tells.
    pub(super) fn add(&mut self, finding: Finding) {
        match finding {
            Finding::Silent => {}
            Finding::Kept => self.checked += 1,
            Finding::Broken(proof) => {
                self.checked += 1;
                self.broken += 1;
                if self.evidence.len() < PROOFS {
                    self.evidence.push(proof);
                }
            }
            Finding::Unclear(why) => self.unclear(Unclear { why, scans: 1, hits: 0, of: 0 }),
        }
    }

    /// Notes what proves nothing.
    pub(super) fn unclear(&mut self, unclear: Unclear) {
        match self.unclear.iter_mut().find(|known| known.why == unclear.why) {
            Some(known) => {
                known.scans += unclear.scans;
                known.hits += unclear.hits;
                known.of += unclear.of;
            }
            None => self.unclear.push(unclear),
        }
    }

    /// Notes why nothing was checked, if nothing was.
    pub(super) fn conclude(&mut self, otherwise: NotAssessed) {
        if self.checked == 0 {
            self.not_assessed = Some(self.unclear.first().map_or(otherwise, |unclear| NotAssessed::Unclear(unclear.clone())));
        }
    }

    /// Adds what another scenario showed of the same guarantee.
    pub fn include(&mut self, other: &Checked) {
        self.checked += other.checked;
        self.broken += other.broken;
        self.evidence.extend(other.evidence.iter().take(2).cloned());
        self.evidence.truncate(PROOFS_OF_A_RUN);
        for unclear in &other.unclear {
            self.unclear(unclear.clone());
        }
        if self.not_assessed.as_ref().is_none_or(|why| *why == NotAssessed::NothingMeasured) {
            self.not_assessed.clone_from(&other.not_assessed);
        }
        // What was tried and proved nothing says more than what was not tried.
        if let Some(unclear) = self.unclear.first() {
            self.not_assessed = Some(NotAssessed::Unclear(unclear.clone()));
        }
        if self.checked > 0 {
            self.not_assessed = None;
        }
    }
}
