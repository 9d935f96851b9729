//! What is still worth asking when the usual steps have left several causes possible.

use std::collections::BTreeSet;

use crate::analysis::Analysis;
use crate::analysis::diagnosis::{Cause, Strength};
use crate::model::fault::FaultClass::{self, A, C, CPrime, D, E, G, I, L, M};
use crate::run::investigate::plan::question::Question;
use crate::run::investigate::plan::scenarios::Known;

/// So often a question is asked in all: what three rounds have not told apart, a fourth hardly does.
const ROUNDS: usize = 3;

/// The questions that tell apart what a diagnosis still names together, each as long as it was not asked too often.
pub(super) fn questions(analysis: &Analysis) -> BTreeSet<Question> {
    let asked = |question: &Question| analysis.scenarios.iter().filter(|scenario| scenario.name == question.name()).count();
    let mut questions: BTreeSet<Question> = analysis.diagnosis.causes.iter().flat_map(telling_apart).collect();
    if Known::of(analysis).disagrees_until_ms.is_some() {
        questions.insert(Question::Later);
    }
    if analysis.diagnosis.names(D) && questions.remove(&Question::SecondWrite) {
        // Of a scan that was asked for a cache keeps the denial, and nobody sees its second write.
        questions.insert(Question::Unasked);
    }
    questions.retain(|question| asked(question) < ROUNDS);
    questions
}

/// The questions by whose answers the classes of one cause differ.
fn telling_apart(cause: &Cause) -> Vec<Question> {
    if cause.class == E && cause.strength < Strength::Strong && cause.or.is_empty() {
        return vec![Question::Deeper];
    }
    let together: Vec<FaultClass> = cause.classes().collect();
    if together.len() < 2 {
        return Vec::new();
    }
    let has = |class: FaultClass| together.contains(&class);
    let mut questions = Vec::new();
    if has(C) && (has(A) || has(I)) {
        questions.push(Question::SecondWrite);
    }
    if has(G) {
        questions.push(Question::Lattice);
    }
    if has(CPrime) && (has(A) || has(I) || has(C)) {
        questions.push(Question::AtOnce);
    }
    if has(E) {
        questions.push(Question::Deeper);
    }
    if has(L) && has(M) {
        questions.push(Question::ManyIds);
    }
    questions
}
