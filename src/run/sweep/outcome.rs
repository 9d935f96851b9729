//! What an investigation's answer is worth, against what was switched on.

use crate::analysis::diagnosis::{Cause, Diagnosis, Strength};
use crate::model::fault::FaultClass;
use crate::model::run::Journal;
use crate::run::sweep::cases::{Case, Group};
use crate::verdict::Verdict;

/// What an answer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// All classes that are there are named, and no other; a healthy service passed.
    Right,
    /// No class was named that is not there, and those that are there are among the possible ones.
    Open,
    /// It passed, and could not have seen the fault.
    Faint,
    /// It passed, and could have seen the fault.
    Missed,
    /// It did not pass, no class was named that is not there, and one that is there was not even possible.
    Incomplete,
    /// A class was named that is not there.
    Wrong,
    /// A class was named that is not there, and called strong.
    WrongAndStrong,
}

impl Outcome {
    /// All of them, the best first.
    pub(crate) const ALL: [Outcome; 7] =
        [Outcome::Right, Outcome::Open, Outcome::Faint, Outcome::Missed, Outcome::Incomplete, Outcome::Wrong, Outcome::WrongAndStrong];

    /// How it is called in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Outcome::Right => "right",
            Outcome::Open => "open",
            Outcome::Faint => "too faint",
            Outcome::Missed => "missed",
            Outcome::Incomplete => "incomplete",
            Outcome::Wrong => "wrong",
            Outcome::WrongAndStrong => "wrong and strong",
        }
    }

    /// Whether a class was named that is not there.
    pub(crate) fn is_wrong(self) -> bool {
        matches!(self, Outcome::Wrong | Outcome::WrongAndStrong)
    }

    /// What the answer to a case is worth.
    pub(crate) fn of(case: &Case, verdict: Verdict, diagnosis: &Diagnosis, journal: &Journal) -> Outcome {
        let within_reach = || case.reach.is_none_or(|reach| reach.is_within(journal));
        Answer { case, verdict, diagnosis }.outcome(within_reach)
    }
}

struct Answer<'a> {
    case: &'a Case,
    verdict: Verdict,
    diagnosis: &'a Diagnosis,
}

impl Answer<'_> {
    fn outcome(&self, within_reach: impl Fn() -> bool) -> Outcome {
        let causes = &self.diagnosis.causes;
        let is_false = |cause: &&Cause| !cause.classes().any(|class| self.is_there(class));
        if let Some(strength) = causes.iter().filter(is_false).map(|cause| cause.strength).max() {
            return if strength == Strength::Strong { Outcome::WrongAndStrong } else { Outcome::Wrong };
        }
        if self.case.group == Group::Healthy {
            // Nothing is there that could be named: whatever is not a pass is a false alarm.
            return if self.verdict == Verdict::Pass { Outcome::Right } else { Outcome::Wrong };
        }
        if self.is_right() {
            return Outcome::Right;
        }
        if self.verdict == Verdict::Pass && causes.is_empty() {
            return if within_reach() { Outcome::Missed } else { Outcome::Faint };
        }
        let possible = self.diagnosis.possible();
        let is_possible = |class: &FaultClass| possible.contains(class) || self.stands_for(*class).any(|other| possible.contains(&other));
        if self.case.classes.iter().all(is_possible) { Outcome::Open } else { Outcome::Incomplete }
    }

    fn is_right(&self) -> bool {
        let exact: Vec<&Cause> = self.diagnosis.causes.iter().filter(|cause| cause.classes().all(|class| self.is_there(class))).collect();
        let named = |class: FaultClass| exact.iter().any(|cause| cause.may_be(class));
        let all_named = self.case.classes.iter().all(|class| named(*class) || self.stands_for(*class).any(named));
        all_named && exact.len() == self.diagnosis.causes.len() && self.verdict == self.case.verdict()
    }

    fn is_there(&self, class: FaultClass) -> bool {
        self.case.classes.contains(&class) || self.case.also.contains(&class) || self.case.alike.contains(&class)
    }

    /// The classes that nothing tells from this one, in a case of one class.
    fn stands_for(&self, class: FaultClass) -> impl Iterator<Item = FaultClass> + '_ {
        let alone = self.case.classes == [class];
        self.case.alike.iter().copied().filter(move |_| alone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::diagnosis::OpenQuestion;
    use crate::model::fault::FaultClass::{A, B, C, D, I};
    use crate::verdict::Verdict::{Fail, Pass};

    fn check(case: &Case, verdict: Verdict, causes: &[(FaultClass, &[FaultClass], Strength)], open: &[OpenQuestion], expected: Outcome) {
        let causes =
            causes.iter().map(|(class, or, strength)| Cause { class: *class, or: or.to_vec(), strength: *strength, facts: Vec::new() });
        let diagnosis = Diagnosis { causes: causes.collect(), open: open.to_vec(), ..Diagnosis::default() };
        assert_eq!(Answer { case, verdict, diagnosis: &diagnosis }.outcome(|| false), expected, "{causes:?}", causes = diagnosis.causes);
    }

    #[test]
    fn an_answer_is_worth_what_is_there() {
        use Strength::{Moderate, Strong};
        let late = Case { also: vec![I], ..Case::one(A) };
        check(&late, Fail, &[(A, &[], Strong)], &[], Outcome::Right);
        check(&late, Fail, &[(A, &[], Strong), (I, &[], Moderate)], &[], Outcome::Right);
        check(&late, Pass, &[(A, &[], Strong)], &[], Outcome::Open);
        check(&late, Fail, &[(A, &[C], Moderate)], &[], Outcome::Open);
        check(&late, Fail, &[(C, &[A], Moderate)], &[], Outcome::Open);
        check(&late, Fail, &[], &[OpenQuestion::DelayOrRefresh], Outcome::Open);
        check(&late, Fail, &[(I, &[], Strong)], &[], Outcome::Incomplete);
        check(&late, Fail, &[(C, &[D], Moderate)], &[], Outcome::Wrong);
        check(&late, Fail, &[(A, &[], Strong), (B, &[], Strong)], &[], Outcome::WrongAndStrong);
        check(&late, Fail, &[], &[], Outcome::Incomplete);
        check(&late, Pass, &[], &[], Outcome::Faint);
    }

    #[test]
    fn of_classes_that_are_alike_at_a_size_each_is_right() {
        let short = Case { alike: vec![I], ..Case::one(A) };
        check(&short, Fail, &[(I, &[], Strength::Strong)], &[], Outcome::Right);
        check(&short, Fail, &[(A, &[I], Strength::Moderate)], &[], Outcome::Right);
    }

    #[test]
    fn of_two_faults_both_have_to_be_named() {
        let pair = Case::two(A, B);
        check(&pair, Fail, &[(A, &[], Strength::Strong), (B, &[], Strength::Strong)], &[], Outcome::Right);
        check(&pair, Fail, &[(A, &[], Strength::Strong)], &[], Outcome::Incomplete);
    }

    #[test]
    fn a_healthy_service_has_to_pass() {
        check(&Case::healthy(), Pass, &[], &[], Outcome::Right);
        check(&Case::healthy(), Fail, &[], &[], Outcome::Wrong);
        check(&Case::healthy(), Pass, &[(A, &[], Strength::Weak)], &[], Outcome::Wrong);
    }
}
