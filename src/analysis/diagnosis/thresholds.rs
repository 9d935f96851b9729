//! The thresholds that the diagnosis rests on, each with its reason. A rule compares what was seen with chance, and chance with one of the
//! errors below; what is in milliseconds bounds what can be told apart at all, and decides no class by itself.

/// The chance below which an arrangement is no accident. About ten rules are asked in an investigation: together they mislead in one of a
/// hundred.
pub(super) const CHANCE: f64 = 1e-3;

/// The same where a class is called strong on one arrangement alone: one wrong and strong answer in ten thousand.
pub(super) const RARE_CHANCE: f64 = 1e-4;

/// A growth with the place that chance makes in one of a hundred bursts is likely a queue's, and asks for more scans.
pub(super) const LIKELY: f64 = 0.01;

/// A growth that chance makes in less than one of ten bursts is none that excludes a queue.
pub(super) const UNLIKELY: f64 = 0.1;

/// The largest chance at which a feature of ids counts, after the correction for how many are tried: what it excludes is a lost job, whose
/// cure differs.
pub(super) const FEATURE_P: f64 = 0.01;

/// The share of scans that make "nearly all": one in ten may be an accident of its own.
pub(super) const NEARLY_ALL: f64 = 0.9;

/// The fewest scans that show a pattern of the service rather than of one scan.
pub(super) const FEW_SCANS: usize = 3;

/// So many first polls at the youngest ages say how often a new scan is denied: with twelve of twelve, eight writes of which none is hidden
/// are an accident in one of ten thousand.
pub(super) const ENOUGH_FIRSTS: usize = 12;

/// So many polls after the last denial of which none was denied show that denials end with age: workers that deny a half would pass them in one
/// of four thousand.
pub(super) const SETTLED: usize = 12;

/// The share of pairs of polls sent together that a record which is written between the two may split: a window of 100 ms has a place for two
/// polls that arrive 5 ms apart.
pub(super) const SPLIT_BY_CHANCE: f64 = 0.05;

/// So many scans that begin alike leave a share of less than a third that begins otherwise, at 95 %.
pub(super) const MANY_ALIKE: usize = 8;

/// The fewest windows that a lattice is fitted to: it has two settings of its own.
pub(super) const FEWEST_WINDOWS: usize = 10;

/// Several workers of equal weight deny at least a half of all polls; below this share a memory of their own must show by more than how often
/// scans are denied.
pub(super) const RARE: f64 = 0.2;

/// A scan is lost only if it was watched so many times as long as the longest window that was seen to end: of windows that follow any one law
/// with a mean, hardly one is twice as long as the longest of many.
pub(super) const LONGER: f64 = 2.0;

/// And if no window was seen at all, for so long, in ms: most stated windows are shorter.
pub(super) const LONG_MS: f64 = 1000.0;

/// Where windows are seen, so many scans that were asked for later must have become visible while it was still denied: one or two may
/// overtake in a queue with several slots.
pub(super) const OVERTAKEN_BY: usize = 3;

/// Polls this close to each other, in ms, are not independent draws of a worker: a balancer's accept queue gives them to the same one.
pub(super) const MOMENT_MS: f64 = 20.0;

/// How long after the first sight, in ms, a copy that lags is looked for before it is excluded; the exclusion states it.
pub(super) const SOON_MS: f64 = 2000.0;

/// A poll this young, in ms, was sent at once: a client does no more than read the answer first.
pub(super) const AT_ONCE_MS: f64 = 5.0;

/// Up to this age, in ms, a record that is written just after the answer and one that is committed just after it cannot be told apart: a
/// commit takes as long.
pub(crate) const COMMIT_MS: f64 = 30.0;

/// Polls are compared at equal age up to this age, in ms.
pub(super) const OLDEST_MS: f64 = 60_000.0;

/// Ages that differ by less than this, in ms, are compared as one age: a new connection takes as long.
pub(super) const ALIKE_MS: f64 = 10.0;

/// And ages that differ by less than this share of the later one.
pub(super) const ALIKE_SHARE: f64 = 0.1;

/// The fewest polls on each side of a comparison of polls of equal age.
pub(super) const FEWEST_PAIRS: u64 = 4;

/// Progress that lies this near to a straight line in time, as a share of what it covers, may be counted from the clock when it is read. What
/// a job writes down goes up in steps.
pub(super) const OFF_THE_CLOCK: f64 = 0.05;
