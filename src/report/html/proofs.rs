//! What was promised and what was checked: guarantees, scenarios, and the table of checks.

use maud::html;

use crate::report::html::{Section, folded, list, table};
use crate::report::tables;
use crate::report::view::View;

/// The guarantees, with the first proof of each that is broken.
pub(super) fn guarantees(view: &View) -> Option<Section> {
    let body = html! {
        (table("Guarantees", &tables::guarantees(&view.guarantees)))
        @for row in view.guarantees.iter().filter(|row| row.evidence.len() > 1) {
            (folded(&format!("Proofs: {}", row.name), &list(&row.evidence)))
        }
    };
    (!view.guarantees.is_empty()).then_some(Section { id: "guarantees", title: "Guarantees", body })
}

/// The scenarios, each with its verdict.
pub(super) fn scenarios(view: &View) -> Option<Section> {
    let reasons = tables::scenario_reasons(view);
    let body = html! {
        (table("Scenarios", &tables::scenarios(&view.scenarios)))
        @if !reasons.is_empty() { (folded("Why, scenario by scenario", &list(&reasons))) }
    };
    (!view.scenarios.is_empty()).then_some(Section { id: "scenarios", title: "Scenarios", body })
}

/// What was checked, by age.
pub(super) fn checks(view: &View) -> Option<Section> {
    let body = table("Checks", &tables::evidence(view));
    (!view.evidence.is_empty()).then_some(Section { id: "checks", title: "Checks, by age", body })
}
