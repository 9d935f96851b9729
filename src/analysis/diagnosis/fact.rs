//! What supports a cause: one variant for one statement, with its numbers.
//!
//! Counts have no unit; what ends in `_ns` is a duration, or an age since the id was handed out, in nanoseconds; `p` is a chance.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::diagnosis::ids::{IdMark, IdPart};
use crate::analysis::diagnosis::thresholds::FEWEST_PAIRS;
use crate::analysis::guarantees::Proof;
use crate::model::exchange::Route;
use crate::model::time::{Nanos, Span};
use crate::statistics::compare::rates::Rates;

/// A statement that supports a cause.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the variant says what its numbers are of, their names have the unit")]
pub enum Fact {
    /// A breach of a guarantee, with the exchanges that prove it.
    Proof(Proof),

    /// Polls for ids that were never issued were answered as visible.
    NeverIssuedVisible { broken: u64, polls: u64 },
    /// All of those answers have no success code or no state, so that the target file may have made them visible.
    VisibleByRule,
    /// A foreign user was answered.
    ForeignAnswered { scans: u64, of: u64 },
    /// Answers named another id than the one asked for.
    AnotherIdAnswered { scans: u64, of: u64 },
    /// No answer named the id that was asked for, nor that of another scan: the place of the id may be wrong in the target file.
    NoKnownIdAnswered,
    /// Polls on a connection that had carried a POST were held back, polls on fresh ones were not.
    HeldBack { scans: u64 },

    /// Scans went back from their end to an earlier state, the latest so long after the end.
    WentBack { scans: u64, of: u64, latest_ns: Nanos },
    /// Each of those was asked for again before.
    WentBackAfterRepeat,
    /// Scans were answered by turns with their end and with a word that is not listed.
    AnsweredByTurns { scans: u64, of: u64 },
    /// Scans ended in one way and later in another.
    EndedOtherwise { scans: u64, of: u64 },
    /// One of several answers never changed, while others went on.
    FrozenCopy { scans: u64, of: u64 },
    /// Scans never showed their end, which their witness or results did.
    EndNeverShown { scans: u64, of: u64 },

    /// Denials between two sights of a scan.
    Holes { holes: u64, scans: u64, denied: u64, polls: u64 },
    /// The widest of those holes.
    WidestHole { at_least_ns: Nanos },
    /// Each of those holes is at about the same age.
    HolesAtOneAge,
    /// Each of so many holes lies where what the scan shows changes.
    HolesAtChanges { holes: u64, p: f64 },
    /// Each of those scans has one hole, between its last answer at work and its first one at its end.
    HolesAtTheEnd { scans: u64 },
    /// Scans were denied after pauses between polls, the shortest so long; no poll of equal age after a shorter one was.
    GoneWhileUnasked { scans: u64, denied: u64, after_ns: Nanos, sooner: u64, p: f64 },
    /// The end of scans was answered once each and never again; polls beside that one were denied.
    EndReadOnce { scans: u64, denied_beside: u64 },
    /// Scans whose end nobody had read were still there at the age at which the others were gone.
    UnreadStayed { scans: u64, at_ns: Nanos, p: f64 },
    /// Scans were seen and then denied, up to an age.
    DeniedAfterSeen { scans: u64, denied: u64, polls: u64, latest_ns: Nanos },
    /// No later poll was denied.
    Healed { polls: u64 },
    /// Scans were seen, to their end if so said, and then denied at each later poll; `fewest` is the smallest number of those of one scan.
    Gone { scans: u64, fewest: u64, after_end: bool },
    /// When one scan went, and between which two ages after its end, if the end was seen.
    GoneScan { scan: u64, visible_until_ns: Nanos, denied: u64, denied_from_ns: Nanos, after_end_ns: Option<(Nanos, Nanos)> },
    /// Scans were seen and then denied on fresh connections, up to an age.
    FreshConnectionsDisagree { scans: u64, denied: u64, polls: u64, latest_ns: Nanos },
    /// Of two first polls that were under way together one saw the scan and the other did not.
    PairsSplit { split: u64, of: u64, latest_ns: Nanos },
    /// Each worker always knows a scan, or never does, by the worker header.
    WorkersDisagree,
    /// Pollers of one instant got both answers.
    PollersDisagree { at_ns: Nanos, seen: u64, denied: u64 },
    /// On each kept connection a scan was answered in one way only.
    KeptConnectionsAgree { scans: u64 },

    /// Scans were denied as long as they were watched.
    NeverVisible { scans: u64, of: u64, watched_ns: Nanos },
    /// Another way to ask showed scans.
    SeenByRoute { route: Route, scans: u64, of: u64 },
    /// Ids that were never seen have a mark that the others have not.
    IdsMarked { mark: IdMark, lost_with: u64, lost: u64, seen_with: u64, seen: u64, p: f64 },
    /// Ids that were never seen have a part that the others have not: all of those ids were lost, all others seen.
    IdsDivided { part: IdPart, lost: u64, seen: u64, p: f64 },
    /// The denials had another HTTP status than those of never-issued ids.
    AnotherDenial { http: Option<u16>, own: Vec<Option<u16>> },
    /// The ids of the lost scans have nothing in common.
    IdsAlike,
    /// Too few ids to compare with the others'.
    TooFewIds,
    /// The witness denied scans, too.
    UnknownToWitness { scans: u64 },
    /// The witness said that scans failed which status denied to the last.
    FailedByWitness { scans: u64, of: u64 },
    /// The witness knew scans that status denied.
    KnownToWitness { scans: u64 },

    /// Polls at one age, of scans that were polled before and of others.
    PairsDiffer { pairs: Pairs, p: f64 },
    /// Polls of scans that had been asked for before were denied more often than first polls of equal age, over all scenarios.
    PolledBeforeDenied { classes: u64, denied: u64, of: u64, p: f64 },
    /// A change was read back old, in scans that had been asked for before it and in others.
    OldWherePolled { polled_hidden: u64, polled: u64, unasked_hidden: u64, unasked: u64, p: f64 },
    /// Denials came from a cache, by the headers.
    DeniedByCache { denials: u64 },
    /// The windows of scans that were asked for at once, and of a scan alone.
    WindowGrows { scans: u64, first_third_at_most_ns: Option<Nanos>, last_third_at_least_ns: Nanos, alone_ns: Option<Nanos>, p: f64 },
    /// Scans became visible at a few common instants.
    CommonInstants { scans: u64, asked_over_ns: Nanos, instants: u64, apart_ns: Nanos },
    /// So many different ages are needed to explain their windows.
    AgesDiffer { ages: u64 },
    /// Polls at once, and how many were denied.
    DeniedAtOnce { denied: u64, of: u64 },
    /// The latest denial, and first polls later than a commit takes.
    LatestDenial { at_ns: Nanos, later_than_ns: Nanos, later: u64, later_denied: u64 },
    /// First polls that were denied, and the latest of them.
    FirstPollsDenied { denied: u64, of: u64, latest_ns: Nanos },
    /// Medians of the last denial and of the first sight of the scans that were denied at first.
    HalfSeen { after_ns: Nanos, until_ns: Nanos },
    /// The witness knew scans before status did.
    WitnessAhead { scans: u64 },
    /// Medians of the last poll that did not show a cancel and of the first that did.
    SecondWriteLags { cancels: u64, after_ns: Nanos, until_ns: Nanos },
    /// Status said running so long after the witness had said that the scan ended.
    EndLags { scans: u64, lag_ns: Nanos },
    /// Scans had progressed at their first sight as far as if they had begun with their id.
    ProgressIsCurrent { scans: u64, of: u64 },
    /// The owner was refused scans that had been accepted; so many of them were granted later, and some refused again after that.
    RefusedAfterAcceptance { scans: u64, granted: u64, refused: u64, polls: u64, latest_ns: Nanos, taken_back: u64 },
    /// The first state of scans was one of the end, up to an age; so many of them were seen to run after it.
    BegunWithAnEnd { scans: u64, of: u64, ran: u64, latest_ns: Nanos },
    /// Scans were visible without a member that the target file names, and had it later.
    MemberMissing { member: Member, scans: u64, latest_ns: Nanos },
    /// Results were missing after a success had been shown: medians of when they were missing last and there first, since the end.
    ResultsLate { scans: u64, of: u64, there_ns: Option<(Nanos, Nanos)>, never: u64 },
    /// Polls did not show a change that had been acknowledged.
    ChangeHidden(LateWrite),
    /// Polls still showed scans whose deletion had been acknowledged.
    DeletionHidden(LateWrite),
    /// Scans still at work at one age, of those that were polled before and of others (in the place of denied ones).
    StatesDiffer { pairs: Pairs, p: f64 },
    /// Visible answers came from a cache, by the headers.
    SeenFromCache { answers: u64 },
    /// Of all causes that were simulated only this one explains the log.
    OnlyItsTwinFits { runs: u64, others: u64 },
    /// Requests failed, and status knew a scan by the id that the client had given it; how they failed, by HTTP status.
    KnownThoughFailed { scans: u64, failed: u64, http: Vec<Option<u16>> },
    /// Before an age no worker knew any scan.
    NoWorkerKnew { before_ns: Nanos, denied: u64 },
}

/// Acknowledged writes that polls did not show: in how many scans of how many; shown and then hidden again in some, and never shown in
/// others; the median of when they were hidden last, since the acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say which")]
pub struct LateWrite {
    pub scans: u64,
    pub of: u64,
    pub taken_back: u64,
    pub never: u64,
    pub hidden_until_ns: Nanos,
}

/// A member of a status answer that the target file names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say which")]
pub enum Member {
    /// What the target file's rule of completeness asks for.
    Complete,
    State,
    Id,
    Progress,
}

/// Polls at one planned age: denied and all, of scans that had been polled before and of scans that had not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say which")]
pub struct Pairs {
    pub at: Span,
    pub polled_before_denied: u64,
    pub polled_before: u64,
    pub undisturbed_denied: u64,
    pub undisturbed: u64,
}

impl Pairs {
    /// Denied and all of those that were polled before, and of those that were not; `None`: too few to compare.
    pub(super) fn of(at: Span, polled_before: (u64, u64), undisturbed: (u64, u64)) -> Option<Pairs> {
        let pairs = Pairs {
            at,
            polled_before_denied: polled_before.0,
            polled_before: polled_before.1,
            undisturbed_denied: undisturbed.0,
            undisturbed: undisturbed.1,
        };
        (pairs.polled_before >= FEWEST_PAIRS && pairs.undisturbed >= FEWEST_PAIRS).then_some(pairs)
    }

    /// The two shares, as tests compare them.
    pub(super) fn rates(&self) -> Rates {
        Rates {
            base_events: self.undisturbed_denied,
            base_trials: self.undisturbed,
            new_events: self.polled_before_denied,
            new_trials: self.polled_before,
        }
    }
}

/// Which probe excludes a class.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the variant says what its numbers are of; a `share` is the largest that was not excluded at 95 %")]
pub enum Exclusion {
    /// How never-issued ids were answered, by answer.
    NeverIssuedDenied { answers: BTreeMap<String, u64> },
    /// A foreign user was never answered.
    ForeignDenied { scans: u64 },
    /// The echoed id was right.
    EchoRight { scans: u64 },
    /// Polls on kept connections were compared with fresh ones; `slow`: some were slow on both.
    NotHeldBack { scans: u64, slow: bool },
    /// So many scans ended, and none of those that were followed went back.
    NoneWentBack { ended: u64, of: u64 },
    /// No poll after an age was denied.
    SettledPollsSeen { polls: u64, after_ns: Nanos, share: f64 },
    /// No poll of a scan that had been seen was denied.
    LaterPollsSeen { polls: u64, connections: u64, share: f64 },
    /// No poll soon after a first sight was denied.
    SoonPollsSeen { polls: u64, within_ns: Nanos, share: f64 },
    /// One scan was polled densely, without a hole wider than this up to an age.
    DenseTrace { polls: u64, widest_ns: Nanos, until_ns: Nanos },
    /// Scans stayed visible for so long after their end.
    StayedVisible { after_end_ns: Nanos, scans: u64 },
    /// All scans that were polled later than an age were seen.
    AllSeen { scans: u64, later_than_ns: Nanos, share: f64 },
    /// The ids of the scans that were never seen have something in common.
    IdsInCommon,
    /// The ids of lost scans and of the others have nothing that tells them apart.
    IdsAlike { lost: u64, seen: u64 },
    /// First polls within an age, none of which was denied.
    EarlyPollsSeen { early: u64, within_ns: Nanos, of: u64, share: f64 },
    /// No first poll was denied, so that there was no denial to be kept.
    NothingToKeep { polls: u64 },
    /// No poll at once was denied.
    SeenAtOnce { scans: u64, share: f64 },
    /// No scan of a burst was denied.
    BurstSeen { scans: u64 },
    /// Whether a scan was polled before made no difference.
    PairsAlike { pairs: Pairs },
    /// Whether a scan was polled before made no difference to how it stood: so many were at work, in the place of denied ones.
    StatesAlike { pairs: Pairs },
    /// Results that were asked for after the end were there.
    ResultsThere { scans: u64, within_ns: Nanos, share: f64 },
    /// Writes were shown by each poll that came after their acknowledgement.
    WritesShown { writes: u64 },
    /// The windows of a burst: medians of its first third (none: not seen while watched) and of its last.
    NoGrowth { scans: u64, first_third_ns: Option<Nanos>, last_third_ns: Nanos },
    /// So many different instants are needed to explain when scans became visible.
    NoCommonInstants { scans: u64, instants: u64 },
    /// A poll at such an age was still denied.
    LongerThanCommit { denied_at_ns: Nanos },
    /// What status showed changed so many times at instants that lie closer together than windows are long, in `within_ns` of each other.
    ChangesBetweenRefreshes { changes: u64, within_ns: Nanos },
    /// A second write lags like the first.
    SecondWriteLags,
    /// A second write was seen at once.
    SecondWriteCurrent { cancels: u64, within_ns: Nanos },
}
