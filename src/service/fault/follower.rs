//! Classes C and G: a copy of the store that gets every write later.
//!
//! A replica applies writes after a lag and in order; an index applies them at the next tick of a lattice. Both keep a log of writes that
//! have not arrived yet, and apply what is due whenever somebody looks, which is the same as applying it on time.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::service::store::Write;
use crate::service::store::memory::Maps;

/// A copy that is behind.
#[derive(Debug, Default)]
pub(crate) struct Follower {
    arrived: Maps,
    /// By arrival, then by order of writing.
    under_way: BTreeMap<(Instant, u64), Write>,
    /// The newest write applied to each key: an older one that arrives later must not undo it.
    newest: BTreeMap<String, (u64, Instant)>,
    written: u64,
    last_arrival: Option<Instant>,
}

impl Follower {
    /// Ships a batch that arrives at `due`, whatever else is under way.
    pub(crate) fn ship(&mut self, writes: &[Write], due: Instant) {
        for write in writes {
            self.written += 1;
            self.under_way.insert((due, self.written), write.clone());
        }
    }

    /// Ships a batch in order: it never overtakes an earlier one. Returns when it arrives.
    pub(crate) fn ship_in_order(&mut self, writes: &[Write], due: Instant) -> Instant {
        let due = self.last_arrival.map_or(due, |last| last.max(due));
        self.last_arrival = Some(due);
        self.ship(writes, due);
        due
    }

    /// A key's value as this copy has it at `at`, which may lie ahead of what has been applied.
    pub(crate) fn read(&mut self, key: &str, now: Instant, at: Instant) -> Option<String> {
        self.catch_up(now);
        let ahead = self
            .under_way
            .range(..=(at, u64::MAX))
            .filter(|(_, write)| key_of(write) == Some(key))
            .max_by_key(|((_, order), _)| *order)
            .filter(|((_, order), _)| self.newest.get(key).is_none_or(|(newest, _)| newest < order));
        match ahead {
            Some((_, Write::Set { value, .. })) => Some(value.clone()),
            Some(_) => None,
            None => self.arrived.get(key, now).map(str::to_owned),
        }
    }

    /// Removes what has expired.
    pub(crate) fn purge(&mut self, now: Instant) {
        self.catch_up(now);
        self.arrived.purge(now);
        self.newest.retain(|_, (_, until)| now < *until);
    }

    fn catch_up(&mut self, now: Instant) {
        let rest = self.under_way.split_off(&(now, u64::MAX));
        for ((_, order), write) in std::mem::replace(&mut self.under_way, rest) {
            let Some(key) = key_of(&write) else { continue };
            if self.newest.get(key).is_none_or(|(newest, _)| *newest < order) {
                let life = if let Write::Set { ttl, .. } = &write { *ttl } else { Duration::from_secs(60) };
                self.newest.insert(key.to_owned(), (order, now + life));
                self.arrived.apply(&write, now);
            }
        }
    }
}

/// The next tick of a lattice with this period after `now`; the first is where the lattice begins.
pub(crate) fn next_tick(started: Instant, period: Duration, now: Instant) -> Instant {
    // Otherwise a lattice that begins later would have its first tick a period late.
    if now < started {
        return started;
    }
    let period = period.as_nanos().max(1);
    let ticks = (now - started).as_nanos() / period + 1;
    started + Duration::from_nanos((ticks * period) as u64)
}

/// Lifecycles are not read here.
fn key_of(write: &Write) -> Option<&str> {
    match write {
        Write::Set { key, .. } | Write::Delete { key } | Write::DeleteIf { key, .. } => Some(key),
        Write::Phase { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lattice_begins_with_a_tick_and_goes_on_with_its_period() {
        let now = Instant::now();
        let ms = Duration::from_millis;
        let period = ms(1000);
        for (begins, at, expected) in [(0, 0, 1000), (0, 999, 1000), (0, 1000, 2000), (500, 0, 500), (500, 499, 500), (500, 500, 1500)] {
            assert_eq!(next_tick(now + ms(begins), period, now + ms(at)), now + ms(expected), "begins at {begins} ms, asked at {at} ms");
        }
    }
}
