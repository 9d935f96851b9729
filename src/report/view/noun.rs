//! The view's sentences, with what the target calls a job.

use crate::model::noun::Noun;
use crate::report::noun::{Medium, called};

use super::{GuaranteeRow, View};

/// Puts the noun into every sentence of a view. Names, commands and what a server said are not sentences of ours.
pub(super) fn call_jobs(view: &mut View, noun: &Noun) {
    for sentence in sentences(view) {
        *sentence = called(sentence, noun, Medium::Sentence);
    }
}

fn sentences(view: &mut View) -> Vec<&mut String> {
    let View { headline, reasons, notices, scenarios, window, guarantees, causes, ruled_out, patterns, undecided, .. } = view;
    let mut all = vec![headline, &mut view.next_step, &mut view.answers.why, &mut view.answers.now, &mut view.answers.line];
    for list in [reasons, notices, undecided, &mut view.unseen, &mut view.other_reasons] {
        all.extend(list);
    }
    for row in scenarios {
        all.extend([&mut row.title, &mut row.denied, &mut row.window.short]);
        all.extend(&mut row.reasons);
        all.extend(&mut row.power);
        all.extend(&mut row.window.instead);
        for row in &mut row.guarantees {
            all.extend(of_guarantee(row));
        }
    }
    all.push(&mut window.short);
    all.extend(&mut window.instead);
    for row in guarantees {
        all.extend(of_guarantee(row));
    }
    for cause in causes {
        all.extend(&mut cause.evidence);
        all.extend([&mut cause.mechanism, &mut cause.cure, &mut cause.named]);
    }
    all.extend(ruled_out.iter_mut().map(|row| &mut row.by));
    all.extend(patterns.iter_mut().map(|row| &mut row.statement));
    for row in &mut view.evidence {
        all.extend([&mut row.check, &mut row.timing, &mut row.result, &mut row.evidence]);
    }
    all.extend(view.lanes.iter_mut().map(|lane| &mut lane.outcome));
    if let Some(inside) = &mut view.inside {
        all.extend([&mut inside.statement, &mut inside.short]);
        all.extend(&mut inside.basis);
        all.extend(inside.evidence.iter_mut().map(|one| &mut one.sentence));
        all.extend(&mut inside.contradictions);
    }
    all
}

fn of_guarantee(row: &mut GuaranteeRow) -> impl Iterator<Item = &mut String> {
    std::iter::once(&mut row.promise).chain(&mut row.evidence).chain(&mut row.why).chain(&mut row.unclear)
}
