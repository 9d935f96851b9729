//! What a run could not see: the part of a report that keeps it honest.

use crate::analysis::Analysis;
use crate::analysis::guarantees::NotAssessed;
use crate::model::exchange::{Exchange, Kind, Route};
use crate::model::run::Journal;
use crate::model::shard::Share;
use crate::model::time::Stamp;
use crate::report::view::{View, import_caveats};
use crate::report::words;
use crate::statistics::binomial::zero_failure_bound;
use crate::verdict::Verdict;

/// What this run could not see, the weightiest first.
pub(super) fn limitations(journal: &Journal, analysis: &Analysis, view: &View) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(journal.run.recording.iter().flat_map(import_caveats::caveats));
    // Beside a cause, what is undecided is a matter of detail; without one, it is what a pass leaves open.
    let weighty = view.causes.is_empty();
    // Of a run in which much was lost, that comes first.
    lines.extend(lost_polls(analysis));
    if weighty {
        lines.extend(view.undecided.iter().cloned());
    }
    lines.extend(could_have_missed(view));
    lines.extend(not_assessed(analysis, view));
    lines.extend(of_one_client(journal, view));
    lines.extend(near_the_edge(analysis, view));
    lines.extend(window_limits(view));
    lines.extend(power(view));
    if !weighty {
        lines.extend(view.undecided.iter().cloned());
    }
    lines.extend(quantile_notes(view));
    if let Some(Share::Shard(shard)) = &journal.run.shard
        && shard.of > 1
    {
        lines.push(format!("This is shard {} of {}: the other shards' scans are not in it.", shard.index + 1, shard.of));
    }
    lines
}

/// What a pass could have missed: in one line, since a scenario of three scans excludes little and is not news.
fn could_have_missed(view: &View) -> Option<String> {
    let passed = view.scenarios.iter().filter(|scenario| scenario.verdict == Verdict::Pass);
    let told: Vec<String> = passed
        .filter_map(|scenario| {
            let bound = scenario.bound.as_ref()?;
            let at = bound.at.as_ref().map_or_else(String::new, |at| format!(" at {at}"));
            let lost =
                if bound.lost > 0 { format!(", {} more without an answer that counts", words::count(bound.lost)) } else { String::new() };
            Some(format!("{} {} (0 of {}{at}{lost})", scenario.name, words::share_at_most(bound.below), words::count(bound.scans)))
        })
        .collect();
    (!told.is_empty()).then(|| format!("Denials in fewer scans than this could have been missed (95 %): {}.", told.join(", ")))
}

/// What no run of one prober shows, however it ends: told where nothing was found, since there it could be taken for the whole.
fn of_one_client(journal: &Journal, view: &View) -> Vec<String> {
    if journal.run.recording.is_some()
        || view.verdict == Verdict::Fail
        || !view.assessable
        || view.scenarios.iter().all(|row| row.polls == 0)
    {
        return Vec::new();
    }
    let mut initiates = journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::Initiate);
    let own = if initiates.all(|exchange| exchange.new_conn == Some(true)) { ", each scan over a connection of its own" } else { "" };
    let mut lines = vec![format!(
        "All requests came from one client address, in one region{own}: where a balancer routes by address, all connections reach one \
         instance, and what other instances, regions or callers see was not measured."
    )];
    if let Some(pause) = longest_pause(journal) {
        lines.push(format!(
            "The target was never without a request for longer than {}: what the first request after a longer pause is answered was not measured.",
            words::age(pause)
        ));
    }
    let at_the_other = |exchange: &Exchange| exchange.route == Some(Route::HandedOut);
    if journal.run.target.can.two_addresses && !journal.exchanges.iter().any(at_the_other) {
        lines.push(
            "Status was asked for at the path in the target file only: what the address in the answer to the request for a scan shows was not \
             measured (`statusgap reproduce` asks there, too)."
                .to_owned(),
        );
    }
    lines.push(what_was_written(journal));
    lines
}

/// Which writes the run sent, and which it did not.
fn what_was_written(journal: &Journal) -> String {
    let writes = [(Kind::Update, "updated"), (Kind::Cancel, "cancelled"), (Kind::Delete, "deleted")];
    let was_sent = |(kind, _): &(Kind, &str)| journal.exchanges.iter().any(|exchange| exchange.kind == *kind);
    let (sent, others): (Vec<_>, Vec<_>) = writes.into_iter().partition(was_sent);
    let sent = sent.iter().fold(String::new(), |told, (_, word)| told + ", " + word);
    let and = if sent.is_empty() { " and read" } else { ", and read" };
    let others: Vec<&str> = others.iter().map(|(_, word)| *word).collect();
    match others.as_slice() {
        [] => format!("Scans were created{sent}{and}."),
        [one] => format!("Scans were created{sent}{and}; none was {one}."),
        [most @ .., last] => format!("Scans were created{sent}{and}; none was {} or {last}.", most.join(", ")),
    }
}

/// The longest time between two requests that followed each other, in milliseconds, in which none was under way.
fn longest_pause(journal: &Journal) -> Option<f64> {
    let mut busy: Option<Stamp> = None;
    let mut longest = None;
    // A log stands in the order of sending.
    for exchange in &journal.exchanges {
        if let Some(busy) = busy.filter(|busy| *busy < exchange.sent) {
            let pause = exchange.sent.since(busy).as_ms();
            longest = Some(longest.map_or(pause, |longest: f64| longest.max(pause)));
        }
        busy = Some(busy.map_or(exchange.done, |busy| busy.max(exchange.done)));
    }
    longest
}

/// What the gates that did not fail could detect, told once for those alike.
fn power(view: &View) -> Vec<String> {
    let mut told: Vec<(&str, Vec<&str>)> = Vec::new();
    for scenario in view.scenarios.iter().filter(|scenario| view.assessable && scenario.verdict != Verdict::Fail) {
        let Some(power) = scenario.power.as_deref() else { continue };
        match told.iter_mut().find(|(known, _)| *known == power) {
            Some((_, names)) => names.push(&scenario.name),
            None => told.push((power, vec![&scenario.name])),
        }
    }
    told.into_iter().map(|(power, names)| format!("{}: {power}.", names.join(", "))).collect()
}

/// Offsets so near to the window's end that their outcome was a matter of chance.
fn near_the_edge(analysis: &Analysis, view: &View) -> Vec<String> {
    let curve = &view.window.curve;
    let from = curve.iter().map(|point| point.from_ms).fold(f64::INFINITY, f64::min);
    let to = curve.iter().filter_map(|point| point.to_ms).fold(0.0, f64::max);
    // A wide window has no edge: there an offset is a share of scans, and no accident.
    // Only a scan that was denied and then visible has an edge.
    if view.window.denied <= view.window.never_visible || view.window.flapping > 0 || to <= from || to - from > (to * 0.1).max(20.0) {
        return Vec::new();
    }
    // The probe's own lateness blurs the offset as the brackets blur the edge.
    let blur = analysis.punctuality.told_p99_ms().unwrap_or(analysis.punctuality.max_ms);
    let mut lines: Vec<String> = Vec::new();
    for offset in view.scenarios.iter().flat_map(|scenario| &scenario.offsets) {
        if offset.at_ms > from - blur && offset.at_ms <= to + blur {
            let line = format!(
                "{} lies within the edge's uncertainty ({}): the result there is a matter of chance.",
                offset.at,
                words::between(from, Some(to))
            );
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    lines
}

fn window_limits(view: &View) -> Vec<String> {
    let window = &view.window;
    let mut lines = Vec::new();
    if !view.assessable {
        return lines;
    }
    if window.flapping > 0 {
        // The safe delay counts all scans; the window those that were watched undisturbed.
        let of = if window.flapped > window.flapping { " of those watched undisturbed" } else { "" };
        lines.push(format!(
            "{}{of} {} denied after being visible: such scans have no window, and are not in its distribution.",
            words::counted(window.flapping, "scan"),
            words::were(window.flapping)
        ));
    }
    if window.never_visible > 0 {
        lines.push(format!(
            "{} {} still denied when last polled, so the window of such scans has no upper bound.",
            words::counted(window.never_visible, "scan"),
            words::were(window.never_visible)
        ));
    }
    if window.no_evidence > 0 {
        lines.push(format!(
            "{} got no answer that counts: every poll was answered neither visible nor not_found.",
            words::counted(window.no_evidence, "scan")
        ));
    }
    if window.estimate.as_ref().is_some_and(|estimate| !estimate.unique) {
        lines.push("The estimated distribution of the window is not unique: between its brackets other curves fit as well.".to_owned());
    }
    if window.scans > 0 && window.denied == 0 && window.flapping == 0 {
        let first = window.curve.iter().filter_map(|point| point.to_ms).fold(0.0, f64::max);
        lines.push(format!("A window shorter than the first poll's answer (up to {} here) leaves no trace.", words::age(first)));
    }
    lines
}

fn not_assessed(analysis: &Analysis, view: &View) -> Option<String> {
    let silent: Vec<String> =
        view.guarantees.iter().filter_map(|row| row.why.as_ref().map(|why| format!("{} ({why})", row.name))).collect();
    if analysis.guarantees.iter().all(|checked| checked.not_assessed == Some(NotAssessed::NothingMeasured)) {
        return Some("Nothing was measured, so nothing is assessed.".to_owned());
    }
    (!silent.is_empty()).then(|| format!("Not assessed: {}.", silent.join(", ")))
}

fn quantile_notes(view: &View) -> Option<String> {
    let notes: Vec<String> =
        view.window.quantiles.iter().filter_map(|row| row.note.as_ref().map(|note| format!("{} {note}", row.label))).collect();
    (view.assessable && view.window.instead.is_none() && !notes.is_empty())
        .then(|| format!("Quantiles of the window that cannot be stated: {}.", notes.join("; ")))
}

fn lost_polls(analysis: &Analysis) -> Vec<String> {
    let mut lines = Vec::new();
    let late: u64 = analysis.scenarios.iter().flat_map(|scenario| &scenario.offsets).map(|rate| rate.late).sum();
    let other: u64 = analysis.scenarios.iter().map(|scenario| scenario.counts.without_evidence).sum();
    if late > 0 {
        lines.push(format!("{} left too late for the planned offset and count only for the window.", words::counted(late, "poll")));
    }
    if other > 0 {
        lines.push(format!(
            "{} {} answered neither visible nor not_found (errors, throttling, time-outs).",
            words::counted(other, "poll"),
            words::were(other)
        ));
    }
    lines
}

/// How many clean scans it takes to exclude a rate at 95 %.
pub(super) fn scans_to_exclude(rate: f64) -> u64 {
    // The bound falls with n, so that the first n whose bound is within the rate is found by halving.
    let (mut low, mut high) = (1, 1 << 32);
    while low < high {
        let middle = u64::midpoint(low, high);
        if zero_failure_bound(middle, 0.95) <= rate { high = middle } else { low = middle + 1 }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::scans_to_exclude;

    #[test]
    fn excluding_a_rate_takes_as_many_scans_as_the_tables_say() {
        assert_eq!([0.05, 0.01, 0.001].map(scans_to_exclude), [59, 299, 2995]);
    }
}
