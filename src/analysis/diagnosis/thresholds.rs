//! The thresholds that the diagnosis rests on, each with its reason. A rule compares what was seen with chance, and chance with one of the
//! errors below; what is in milliseconds bounds what can be told apart at all, and decides no class by itself.

/// The chance below which an arrangement is no accident. A rule is asked once in an investigation, and about ten rules are: together they
/// mislead in one of a hundred.
pub(super) const CHANCE: f64 = 1e-3;

/// The same where a class is called strong on one arrangement alone: one wrong and strong answer in ten thousand.
pub(super) const RARE_CHANCE: f64 = 1e-4;

/// The share of scans that make "nearly all": one in ten may be an accident of its own.
pub(super) const NEARLY_ALL: f64 = 0.9;

/// The fewest scans that show a pattern of the service rather than of one scan.
pub(super) const FEW_SCANS: usize = 3;
