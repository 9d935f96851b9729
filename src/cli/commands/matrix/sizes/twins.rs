//! What the twins of a sweep must come to, and those that are to be looked at.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::analysis::twin::Candidate;
use crate::cli::commands::matrix::sizes::Tried;
use crate::cli::commands::matrix::sizes::measures::Measure;
use crate::model::fault::FaultClass;
use crate::run::sweep::TwinTrial;

/// The measures of twins; none where none was run.
pub(super) fn measures(tried: &[Tried]) -> Vec<Measure> {
    let twins = || tried.iter().filter_map(|tried| tried.trial.twin.as_ref());
    let of = |answers: &mut dyn Iterator<Item = bool>| answers.fold((0, 0), |(yes, all), answer| (yes + usize::from(answer), all + 1));
    let measure = |name, (trials, of), limit, at_most| Measure { name, trials, of, limit, at_most };
    let measures = [
        measure(
            "settings: the true one lies between the limits",
            of(&mut twins().flat_map(|twin| &twin.settings).map(|setting| setting.holds)),
            90.0,
            false,
        ),
        measure("twins of the true cause: rejected", of(&mut twins().filter_map(|twin| twin.fits).map(|fits| !fits)), 7.0, true),
        measure(
            "reproducers: an investigation names what the first one named",
            of(&mut twins().filter_map(|twin| twin.reproduced.as_ref()).map(|reproduced| reproduced.agrees)),
            95.0,
            false,
        ),
    ];
    measures.into_iter().filter(|measure| measure.of > 0).collect()
}

/// The slowest, and one line for each trial whose twin misses something.
pub(super) fn push(text: &mut String, tried: &[Tried]) {
    let twins = || tried.iter().filter_map(|tried| Some((tried, tried.trial.twin.as_ref()?)));
    let Some((slowest, twin)) = twins().max_by_key(|(_, twin)| twin.took) else { return };
    let seconds: f64 = twins().map(|(_, twin)| twin.took.as_secs_f64()).sum();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "\nThe twins of one log took {:.1} s in the mean; the slowest were those of {} ({:.1} s).\n",
        seconds / twins().count() as f64,
        slowest.case.settings(),
        twin.took.as_secs_f64()
    );
    for (tried, twin) in twins() {
        let misses = misses(twin);
        if !misses.is_empty() {
            let _ = writeln!(text, "- twin: {}, seed {}: {}", tried.case.settings(), tried.trial.seed, misses.join("; "));
        }
    }
}

fn misses(twin: &TwinTrial) -> Vec<String> {
    let settings = twin.settings.iter().filter(|setting| !setting.holds).map(|setting| match &setting.estimated {
        Some(estimated) => {
            let limits = estimated.likely.as_ref().map_or_else(String::new, |likely| format!(" ({} to {})", likely.from, likely.to));
            format!("{} is {}, estimated {}{limits}", setting.knob, setting.truth, estimated.value)
        }
        None => format!("{} is {}, not estimated", setting.knob, setting.truth),
    });
    let fit = match twin.fits {
        Some(true) => None,
        Some(false) => Some(format!("the true cause's twin is rejected ({})", twin.misfits.join(", "))),
        None => Some("the true cause has no twin".to_owned()),
    };
    let reproduced = twin.reproduced.as_ref().filter(|reproduced| !reproduced.agrees);
    let reproduced = reproduced.map(|reproduced| format!("the reproducer ({}) names {}", reproduced.settings, letters(&reproduced.named)));
    settings.chain(fit).chain(reproduced).collect()
}

fn letters<'a>(classes: impl IntoIterator<Item = &'a FaultClass>) -> String {
    let letters: Vec<&str> = classes.into_iter().map(|class| class.letter()).collect();
    if letters.is_empty() { "nothing".to_owned() } else { letters.join(" ") }
}

pub(super) fn json(twin: &TwinTrial) -> Value {
    let settings: Vec<Value> = twin
        .settings
        .iter()
        .map(|setting| json!({"knob": setting.knob, "truth": setting.truth, "estimate": setting.estimated, "holds": setting.holds}))
        .collect();
    let candidates: Vec<Value> = twin.candidates.iter().map(candidate).collect();
    let reproduced = twin
        .reproduced
        .as_ref()
        .map(|reproduced| json!({"settings": reproduced.settings, "named": reproduced.named, "agrees": reproduced.agrees}));
    json!({
        "answer": twin.answer, "candidates": candidates, "true_fits": twin.fits, "misfits": twin.misfits, "settings": settings,
        "reproduced": reproduced, "seconds": (twin.took.as_secs_f64() * 10.0).round() / 10.0,
    })
}

fn candidate(candidate: &Candidate) -> Value {
    let fit = candidate.fit.as_ref();
    json!({
        "classes": candidate.classes, "fits": candidate.fits, "far_off": candidate.far_off, "outdone_by": candidate.outdone_by,
        "p": fit.map(|fit| fit.p), "distance": fit.map(|fit| (fit.distance * 10.0).round() / 10.0),
    })
}
