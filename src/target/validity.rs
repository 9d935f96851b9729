//! When what a login gave holds, and when a refusal means that it has expired: the one rule of runs, first contact, live checks, `init`
//! and the second opinion.

use std::time::Duration;

use crate::model::time::Stamp;

/// A login is made anew when this share of its time is over, so that it does not expire under way.
const RENEWED_AFTER: f64 = 0.8;

/// A 401 to a younger login that no request has worked with is not taken for its end: a service that answers every request so would be
/// asked for a login each time.
const YOUNGEST_EXPIRED: Duration = Duration::from_secs(1);

/// After a login that failed, nobody tries again for so long.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// What came of one login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginOutcome {
    /// It gave what requests need.
    Given {
        /// When.
        at: Stamp,
        /// For how long it is good, if that is known.
        lasts: Option<Duration>,
    },
    /// It gave nothing.
    Failed {
        /// When.
        at: Stamp,
    },
}

/// Whether a request was refused before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It is sent for the first time.
    First,
    /// It was refused, and is sent again with another login.
    Again,
}

/// Since when a login holds, and until when. Whoever keeps it keeps what the login gave beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Validity {
    generation: u64,
    since: Stamp,
    until: Option<Stamp>,
    failed: Option<Stamp>,
    has_worked: bool,
    was_renewed_in_vain: bool,
}

impl Validity {
    /// Whether requests can be sent with it, or it is too early to try again.
    pub fn will_do(&self, now: Stamp) -> bool {
        let is_good = self.generation > 0 && self.until.is_none_or(|until| now < until);
        is_good || self.has_just_failed(now)
    }

    /// Whether a 401 may mean that it has expired.
    pub fn may_have_expired(&self, now: Stamp) -> bool {
        let is_proven = self.has_worked && !self.was_renewed_in_vain;
        self.generation > 0 && (is_proven || now >= self.since.after(YOUNGEST_EXPIRED)) && !self.has_just_failed(now)
    }

    /// Whether the last login failed so lately that nobody should try again.
    pub fn has_just_failed(&self, now: Stamp) -> bool {
        self.failed.is_some_and(|failed| now < failed.after(AFTER_FAILURE))
    }

    /// Whether it is another login than this one.
    pub fn is_another(&self, than: &Validity) -> bool {
        self.generation != than.generation
    }

    /// The same after whoever has a login has logged in. The first that expires is the end of all; as long as nobody is logged in, what
    /// was known before holds.
    #[must_use]
    pub fn after(&self, logins: &[LoginOutcome]) -> Validity {
        let mut known = Validity { failed: None, until: None, has_worked: false, ..*self };
        for login in logins {
            match *login {
                LoginOutcome::Given { at, lasts } => {
                    let until = lasts.map(|lasts| at.after(lasts.mul_f64(RENEWED_AFTER)));
                    known.until = [known.until, until].into_iter().flatten().min();
                    (known.generation, known.since) = (self.generation + 1, at);
                }
                LoginOutcome::Failed { at } => known.failed = Some(at),
            }
        }
        if known.generation == self.generation { Validity { failed: known.failed, ..*self } } else { known }
    }

    /// Takes down the code of an answer to a request that was sent with it.
    pub fn answered(&mut self, http: Option<u16>, sent: Turn) {
        if sent == Turn::Again {
            self.was_renewed_in_vain = http == Some(401);
        }
        self.has_worked |= http.is_some_and(|http| http != 401);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Stamp {
        Stamp::default().after(Duration::from_millis(ms))
    }

    fn given(ms: u64, lasts: Option<u64>) -> LoginOutcome {
        LoginOutcome::Given { at: at(ms), lasts: lasts.map(Duration::from_millis) }
    }

    #[test]
    fn a_login_holds_until_the_first_of_its_parts_nears_its_end() {
        let none = Validity::default();
        assert!(!none.will_do(at(0)) && !none.may_have_expired(at(9000)));
        let known = none.after(&[given(100, None), given(200, Some(10_000)), given(300, Some(5000))]);
        assert!(known.will_do(at(4299)) && !known.will_do(at(4300)));
        assert!(none.after(&[given(0, None)]).will_do(at(1_000_000)));
    }

    #[test]
    fn a_401_ends_a_login_that_has_worked_or_is_no_longer_young() {
        let mut known = Validity::default().after(&[given(0, None)]);
        assert!(!known.may_have_expired(at(999)) && known.may_have_expired(at(1000)));
        known.answered(Some(401), Turn::First);
        assert!(!known.may_have_expired(at(10)), "it has never worked");
        known.answered(Some(404), Turn::First);
        assert!(known.may_have_expired(at(10)), "it has worked before");
        let mut renewed = known.after(&[given(20, None)]);
        assert!(renewed.is_another(&known) && !renewed.may_have_expired(at(30)));
        renewed.answered(Some(401), Turn::Again);
        renewed.answered(Some(202), Turn::First);
        assert!(!renewed.may_have_expired(at(30)), "a new one did not help, and is not asked for each time");
        renewed.answered(Some(200), Turn::Again);
        assert!(renewed.may_have_expired(at(30)));
    }

    #[test]
    fn a_login_that_fails_leaves_the_last_one_and_is_not_tried_again_at_once() {
        let known = Validity::default().after(&[given(0, Some(1000))]);
        let failed = known.after(&[LoginOutcome::Failed { at: at(900) }]);
        assert!(!failed.is_another(&known) && failed.will_do(at(1899)) && !failed.will_do(at(1900)));
        assert!(!failed.may_have_expired(at(1899)) && failed.may_have_expired(at(1900)));
        let never = Validity::default().after(&[LoginOutcome::Failed { at: at(0) }]);
        assert!(never.will_do(at(10)) && !never.may_have_expired(at(2000)));
    }
}
