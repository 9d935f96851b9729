//! Scans that are denied as long as anybody looks: K, L and M.

use std::collections::BTreeSet;

use crate::analysis::compare::rates::Rates;
use crate::analysis::diagnosis::case::{Case, Look, Row, ms};
use crate::analysis::diagnosis::flapping::{Flapping, Kind, moments};
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::answer::Answer;
use crate::model::exchange::Kind as Exchanged;
use crate::model::fault::FaultClass;

/// The numbers of the scans that were never seen and should have been.
pub(super) type Lost = BTreeSet<u64>;

pub(super) fn diagnose(diagnosis: &mut Diagnosis, case: &Case<'_>, flapping: &Flapping) -> Lost {
    // How late scans become visible that do: a scan counts as lost only if it was watched well beyond that.
    let opened = case.watched().filter(|row| row.denied_at_start().next().is_some());
    let latest = opened.filter_map(Row::first_seen).fold(0.0, f64::max);
    let beyond = (2.0 * latest).max(latest + 1000.0);
    // Before anybody saw any scan even the worker that knows one may not have known it yet.
    let earliest = case.watched().filter_map(Row::first_seen).fold(f64::INFINITY, f64::min);
    let asked = |row: &Row<'_>| workers(row, 1.2 * earliest).len();
    let mut all_workers = BTreeSet::new();
    for look in case.watched().flat_map(|row| row.looks).filter(|look| look.age() >= 0.0) {
        all_workers.extend(look.exchange.worker.as_deref());
    }
    let all_workers = all_workers.len();
    let enough = |row: &&Row<'_>| {
        let denials = moments(row.looks.iter().map(Look::age));
        // Where workers disagree, a scan may be denied many times in a row because the one that knows it was never asked.
        let chance = match flapping.kind {
            Some(Kind::PerInstance) if all_workers >= 2 => asked(row) == all_workers,
            // Connections may stick to one worker for a while, so the longest row of chance denials counts as well.
            Some(Kind::PerInstance) => flapping.share.powi(denials as i32) < 1e-6 && denials > 3 * flapping.streak,
            // Where scans are evicted, one that was not polled in between may have been there.
            Some(Kind::Evicted) => {
                let gone = flapping.gone_ms.unwrap_or(f64::INFINITY);
                row.looks.iter().filter(|look| latest < look.age() && look.age() < gone).count() >= 4
            }
            _ => row.looks.len() >= 4,
        };
        chance
            && row.looks.iter().all(|look| !look.seen())
            && row.looks.last().is_some_and(|look| look.age() >= beyond.min(2500.0).max(latest + 500.0))
    };
    let lost: Vec<&Row<'_>> = case.watched().filter(enough).collect();
    let seen = || case.watched().filter(|row| row.first_seen().is_some());
    if lost.is_empty() {
        let seen = seen().count();
        if seen >= 8 {
            let told = format!("all of {seen} scans that were watched were seen");
            for class in [FaultClass::K, FaultClass::L, FaultClass::M] {
                diagnosis.excluded(class, told.clone());
            }
        }
        return Lost::new();
    }
    let seen: Vec<&Row<'_>> = seen().collect();
    let numbers: Lost = lost.iter().map(|row| row.scan.number()).collect();
    let told = format!(
        "{} of {} scans were denied as long as they were watched ({} at most)",
        lost.len(),
        lost.len() + seen.len(),
        ms(lost.iter().filter_map(|row| row.looks.last()).map(Look::age).fold(0.0, f64::max))
    );
    let handed_out: Vec<_> = case.rows.iter().filter(|row| row.handed_out().next().is_some()).collect();
    let found_there = handed_out.iter().filter(|row| row.handed_out().any(|seen| seen)).count();
    if seen.is_empty() && found_there > 0 {
        diagnosis.found(
            FaultClass::K,
            Strength::Strong,
            vec![told, format!("at the address that the answer handed out {found_there} of {} scans were seen", handed_out.len())],
        );
        return numbers;
    }
    let knows = |row: &&&Row<'_>, answer: Answer| row.scan.witness().iter().any(|reading| reading.answer == answer);
    let witnessed = lost.iter().filter(|row| knows(row, Answer::Visible)).count();
    let unwitnessed = lost.iter().filter(|row| knows(row, Answer::NotFound) && !knows(row, Answer::Visible)).count();
    if seen.is_empty() {
        // Nothing was ever seen: a scope that hides everything, or a window longer than the watch.
        if witnessed > 0 {
            diagnosis.found(FaultClass::K, Strength::Weak, vec![told, format!("the witness knew {witnessed} of them")]);
            diagnosis.undecided.push("cannot tell a scope mismatch (K) from a window that is longer than the scans were watched (A, C): poll the address that is handed out, and watch longer".to_owned());
        } else {
            diagnosis.found(FaultClass::M, Strength::Weak, vec![told]);
            diagnosis.undecided.push("cannot tell lost jobs (M) from a window that is longer than the scans were watched (A, C), or from a scope mismatch (K): watch longer, and describe a witness in the target file".to_owned());
        }
        return numbers;
    }
    if let Some(feature) = telling_feature(&lost, &seen) {
        let mut evidence = vec![told, feature];
        if let Some(differs) = foreign_body(case, &lost) {
            evidence.push(differs);
        }
        diagnosis.found(FaultClass::L, Strength::Strong, evidence);
        diagnosis.excluded(FaultClass::M, "the ids of the scans that were never seen have something in common".to_owned());
        return numbers;
    }
    let mut evidence = vec![told, "their ids have nothing in common that the others' have not".to_owned()];
    let strength = if unwitnessed > 0 && witnessed == 0 {
        evidence.push(format!("the witness does not know them either ({unwitnessed} asked)"));
        Strength::Strong
    } else {
        if witnessed > 0 {
            evidence.push(format!("though the witness knew {witnessed} of them"));
        }
        Strength::Moderate
    };
    diagnosis.found(FaultClass::M, strength, evidence);
    diagnosis.excluded(FaultClass::L, "outcomes grouped by features of the id: no feature tells".to_owned());
    numbers
}

/// The workers that answered a scan's polls from an age on, as far as headers say.
fn workers<'a>(row: &Row<'a>, from: f64) -> BTreeSet<&'a str> {
    row.looks.iter().filter(|look| from <= look.age()).filter_map(|look| look.exchange.worker.as_deref()).collect()
}

/// A property of an id, and its name.
type Feature = (&'static str, fn(&str) -> bool);

const FEATURES: [Feature; 9] = [
    ("a `/`", |id| id.contains('/')),
    ("a `+`", |id| id.contains('+')),
    ("a `=`", |id| id.contains('=')),
    ("a `%`", |id| id.contains('%')),
    ("a blank", |id| id.contains(' ')),
    ("a `.`", |id| id.contains('.')),
    ("a character that must be percent-encoded", |id| id.chars().any(|c| !(c.is_ascii_alphanumeric() || "-_.~".contains(c)))),
    ("an upper-case letter", |id| id.chars().any(|c| c.is_ascii_uppercase())),
    ("a leading zero", |id| id.starts_with('0')),
];

/// A feature that separates the ids of lost scans from the others', beyond chance: Boschloo's test, corrected for the number
/// of features that are tried.
fn telling_feature(lost: &[&Row<'_>], seen: &[&Row<'_>]) -> Option<String> {
    let having = |rows: &[&Row<'_>], has: fn(&str) -> bool| rows.iter().filter(|row| row.scan.id().is_some_and(has)).count() as u64;
    let (best, p) = FEATURES
        .iter()
        .filter_map(|feature| {
            let (with_lost, with_seen) = (having(lost, feature.1), having(seen, feature.1));
            // It must explain nearly all losses, and nearly only losses.
            let explains = with_lost * 10 >= lost.len() as u64 * 9 && with_seen * 10 <= seen.len() as u64;
            let rates =
                Rates { base_events: with_seen, base_trials: seen.len() as u64, new_events: with_lost, new_trials: lost.len() as u64 };
            explains.then(|| (feature, rates.fisher().p_two_sided))
        })
        .min_by(|a, b| a.1.total_cmp(&b.1))?;
    (p * FEATURES.len() as f64 <= 0.01).then(|| {
        let (with_lost, with_seen) = (having(lost, best.1), having(seen, best.1));
        format!(
            "{} in {with_lost} of {} ids that were never seen, and in {with_seen} of {} that were (p = {p:.1e})",
            best.0,
            lost.len(),
            seen.len()
        )
    })
}

/// Whether the denials of lost scans look different from the service's own denial of a never-issued id.
fn foreign_body(case: &Case<'_>, lost: &[&Row<'_>]) -> Option<String> {
    let codes: BTreeSet<Option<u16>> = case
        .journal
        .exchanges
        .iter()
        .filter(|exchange| exchange.kind == Exchanged::UnknownPoll && exchange.digest.is_some())
        .map(|exchange| exchange.http)
        .collect();
    let other = lost.iter().flat_map(|row| row.looks).find(|look| !codes.is_empty() && !codes.contains(&look.exchange.http))?;
    Some(format!(
        "their not_found came with HTTP {}, the service's own comes with {}",
        code(other.exchange.http),
        codes.iter().map(|http| code(*http)).collect::<Vec<_>>().join(", ")
    ))
}

fn code(http: Option<u16>) -> String {
    http.map_or_else(|| "?".to_owned(), |http| http.to_string())
}
