//! The round trips of a log, as a twin's network has them.

use std::time::Duration;

use crate::model::exchange::{Exchange, Kind};
use crate::model::run::Journal;
use crate::probe::{Measured, Quantiles};

/// The round trips of status polls: those on connections that were open, and by how much longer those on new ones took.
///
/// A poll that was held back is no round trip of the network; where polls on connections of their own are there, only they count. How long
/// the request that starts a job takes is left out: the id's age counts from its answer.
pub(super) fn measured(journal: &Journal) -> Measured {
    let polls = || journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::Poll && exchange.was_answered());
    let own = || polls().filter(|poll| poll.connection.is_own());
    let trips = |exchanges: &mut dyn Iterator<Item = &Exchange>| -> Vec<Duration> { exchanges.map(Exchange::round_trip).collect() };
    let mut on_open = trips(&mut own().filter(|poll| poll.new_conn == Some(false)));
    let mut on_new = trips(&mut own().filter(|poll| poll.new_conn != Some(false)));
    if on_open.is_empty() && on_new.is_empty() {
        on_open = trips(&mut polls());
    }
    if on_open.is_empty() {
        // What of it was the handshake is not known.
        std::mem::swap(&mut on_open, &mut on_new);
    }
    let open = Quantiles::of(on_open);
    Measured { seed: 0, open, handshake: Quantiles::of(on_new).less(open) }
}
