//! What was promised and what was checked: guarantees, scenarios, and the table of checks.

use crate::report::html::summary::badge;
use crate::report::html::{Column, Section, folded, list, table, text};
use crate::report::view::{Mark, Standing, View};
use crate::report::words;
use crate::verdict::Verdict;

/// The guarantees, with the first proof of each that is broken.
pub(super) fn guarantees(view: &View) -> Option<Section> {
    let rows = view.guarantees.iter().map(|row| {
        let (standing, proof) = match &row.standing {
            Standing::Kept => ("<span class=\"sign works\">✓</span> kept", text(&row.unclear.join("; "))),
            Standing::Broken => {
                ("<span class=\"sign fails\">✕</span> <b>broken</b>", text(row.evidence.first().map_or("", String::as_str)))
            }
            Standing::NotAssessed(why) => ("<span class=\"sign\">○</span>&nbsp;not&nbsp;assessed", text(why)),
        };
        vec![
            format!("<b>{}</b> <span class=\"aside\">{}</span><br><span class=\"aside\">{}</span>", row.name, row.code, text(row.promise)),
            standing.to_owned(),
            words::count(row.checked),
            words::count(row.broken),
            proof,
        ]
    });
    let columns = [
        Column::Words("Guarantee"),
        Column::Words("Standing"),
        Column::Number("Checked"),
        Column::Number("Broken"),
        Column::Words("First proof, or why not"),
    ];
    let mut body = table("Guarantees", &columns, rows);
    for row in view.guarantees.iter().filter(|row| row.evidence.len() > 1) {
        body.push_str(&folded(&format!("Proofs: {}", row.name), &list(&row.evidence)));
    }
    (!view.guarantees.is_empty()).then_some(Section { id: "guarantees", title: "Guarantees", body })
}

/// The scenarios, each with its verdict.
pub(super) fn scenarios(view: &View) -> Option<Section> {
    let rows = view.scenarios.iter().map(|row| {
        let scans =
            if row.accepted == row.initiates { words::count(row.accepted) } else { format!("{} of {}", row.accepted, row.initiates) };
        vec![
            format!("<b>{}</b><br><span class=\"aside\">{}</span>", text(&row.name), text(&row.title)),
            scans,
            text(&row.denied),
            text(&row.window.short),
            badge(row.verdict),
        ]
    });
    let columns =
        [Column::Words("Scenario"), Column::Number("Scans"), Column::Words("not_found"), Column::Words("Window"), Column::Words("Verdict")];
    let mut body = table("Scenarios", &columns, rows);
    let reasons: Vec<String> = view
        .scenarios
        .iter()
        .filter(|row| row.verdict != Verdict::Pass)
        .flat_map(|row| row.reasons.iter().map(move |reason| format!("{}: {reason}", row.name)))
        .collect();
    if !reasons.is_empty() {
        body.push_str(&folded("Why, scenario by scenario", &list(&reasons)));
    }
    (!view.scenarios.is_empty()).then_some(Section { id: "scenarios", title: "Scenarios", body })
}

/// What was checked, by age.
pub(super) fn checks(view: &View) -> Option<Section> {
    let rows = view.evidence.iter().map(|row| {
        let sign = match row.mark {
            Mark::Works => "<span class=\"sign works\">✓</span> ",
            Mark::Fails => "<span class=\"sign fails\">✕</span> ",
            Mark::Neutral => "",
        };
        vec![text(&row.timing), text(&row.check), format!("{sign}{}", text(&row.result)), text(&row.evidence)]
    });
    let columns = [Column::Words("When"), Column::Words("Check"), Column::Words("Result"), Column::Words("What it rests on")];
    let body = table("Checks", &columns, rows);
    (!view.evidence.is_empty()).then_some(Section { id: "checks", title: "Checks, by age", body })
}
