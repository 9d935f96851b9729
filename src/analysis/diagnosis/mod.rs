//! From findings to causes: which fault classes the log supports, and which it rules out by which probe.
//!
//! A pure function of the log, in the order in which a person would decide: what voids everything else first (controls), then
//! what is seen on settled scans, then scans that are never seen, then the window at the start and what makes it. A class is
//! named only on evidence of its own; what these probes cannot tell apart is said, with the probe that would.

mod case;
mod chance;
mod claims;
mod flapping;
mod instances;
mod never;
mod pattern;
mod start;
mod stretch;

pub use crate::analysis::diagnosis::pattern::Pattern;

use serde::{Deserialize, Serialize};

use crate::analysis::ScenarioAnalysis;
use crate::analysis::diagnosis::case::{Case, Looks};
use crate::analysis::scan::ScanHistory;
use crate::model::fault::{FaultClass, Owner};
use crate::model::run::{Journal, NotAsked};
use crate::model::wording::{alternatives, count, counted, were};

/// What the log says about causes. Empty when nothing is wrong.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The supported classes, strongest first.
    pub causes: Vec<Cause>,
    /// The classes that a probe excludes.
    pub ruled_out: Vec<RuledOut>,
    /// What these probes cannot tell apart, in words, with the probe that would.
    pub undecided: Vec<String>,
    /// What was found where no class can be named.
    #[serde(default)]
    pub patterns: Vec<Pattern>,
}

/// One supported class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// The class.
    pub class: FaultClass,
    /// Classes that explain what was seen as well, and that nothing in the log tells from it.
    #[serde(default)]
    pub or: Vec<FaultClass>,
    /// How well it is supported.
    pub strength: Strength,
    /// What supports it, with numbers.
    pub evidence: Vec<String>,
}

impl Cause {
    /// What people read: its name with the letter in brackets; two classes that are not told apart have one name together.
    pub fn named(&self) -> String {
        if self.or.is_empty() { self.class.named() } else { self.title().to_owned() }
    }

    /// What it is called in results: two classes that are not told apart have one name together.
    pub fn title(&self) -> &'static str {
        match (self.class, self.or.as_slice()) {
            (_, []) => self.class.name(),
            (FaultClass::A, [FaultClass::E]) => "written late (A), or when its turn in a queue comes (E)",
            (FaultClass::C, _) => "read from a lagging copy (C), or from an index that refreshes periodically (G)",
            (FaultClass::A, [FaultClass::CPrime]) => "written late (A), or now and then read from a lagging copy (C')",
            (FaultClass::A, _) => "written late (A) or read from a lagging copy (C)",
            (FaultClass::O, _) => "an older answer: of a fallback or a frozen copy (O), or of a copy that lags (C')",
            (FaultClass::I, [FaultClass::A]) => "committed (I) or registered (A) just after the answer",
            (FaultClass::I, or) if or.contains(&FaultClass::A) => {
                "written just after the answer (I, A), or read from a copy that lags as little (C, C')"
            }
            (FaultClass::I, _) => "committed just after the answer (I), or read from a copy that lags as little (C, C')",
            (FaultClass::L, _) => "ids that do not get through (L), or whose records are not written (M)",
            (FaultClass::M, _) => "records that are not written (M), or ids that do not get through (L)",
            (class, _) => class.name(),
        }
    }

    /// Its letters: `A`, or `A or C`.
    pub fn letters(&self) -> String {
        let all: Vec<&str> = std::iter::once(&self.class).chain(&self.or).map(|class| class.letter()).collect();
        all.join(" or ")
    }

    /// What happens inside such a service.
    pub fn mechanism(&self) -> String {
        let all: Vec<&str> = std::iter::once(&self.class).chain(&self.or).map(|class| class.mechanism()).collect();
        all.join(" Or: ")
    }

    /// What cures it. Where two classes are not told apart: what tells them apart, and the cure of each.
    pub fn cure(&self, owner: Owner) -> String {
        let step = match (self.class, self.or.as_slice()) {
            (_, []) => return self.class.advice(owner),
            (FaultClass::A | FaultClass::C, [FaultClass::A | FaultClass::C]) => {
                "Find out first which it is, since the cures differ: a second write tells (describe `[cancel]` in the target file, and run `statusgap reproduce`), \
                 and so does a look at whether the read goes to a replica or a cache."
            }
            (FaultClass::L | FaultClass::M, _) => {
                "Find out first which it is, since the cures differ: look for one of these ids in the store. If its record is there, the read does not find it (L); if \
                 not, it was never written (M)."
            }
            (FaultClass::C, _) => {
                "Find out first which it is, since the cures differ: scans that become visible at common instants, whenever they were asked for, wait for a \
                 refresh (G)."
            }
            (FaultClass::A, [FaultClass::E]) => {
                "Find out first which it is, since the cures differ: a queue (E) lets a scan that is asked for alone be seen at once, and the more wait the more \
                 are asked for together."
            }
            (FaultClass::O, _) => {
                "Find out first which it is, since the cures differ: an older answer that comes for good is a copy's that is never brought up to date (O), one that \
                 comes for a while is that of a copy that lags (C')."
            }
            (FaultClass::I, [FaultClass::A]) => "Both are cured by having the record committed before the answer is sent.",
            _ => {
                "Find out first which it is, since the cures differ: see whether status reads from the store that the initiate writes (I, A), or from a replica \
                 or a cache (C, C')."
            }
        };
        let cures: Vec<String> = std::iter::once(&self.class)
            .chain(&self.or)
            .map(|class| format!("If it is {}: {}", class.named(), lower_first(&class.advice(owner))))
            .collect();
        format!("{step} {}", cures.join(" "))
    }
}

/// A sentence that goes on after a colon.
pub(crate) fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// How well a class is supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// Compatible, and nothing better explains what was seen.
    Weak,
    /// Its signature was seen, but the probe that tells it from its neighbours was not run.
    Moderate,
    /// Its signature was seen and its neighbours were excluded.
    Strong,
}

/// One excluded class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuledOut {
    /// The class.
    pub class: FaultClass,
    /// The probe, and what it showed.
    pub by: String,
}

impl Diagnosis {
    /// Whether a class is among the causes.
    pub fn names(&self, class: FaultClass) -> bool {
        self.causes.iter().any(|cause| cause.class == class)
    }

    /// The same, where scenarios were left out for lack of jobs: what they would have told apart is not excluded, whatever else was
    /// seen, and is said to be open.
    #[must_use]
    pub(in crate::analysis) fn without(mut self, not_asked: &[NotAsked]) -> Diagnosis {
        for left_out in not_asked {
            let open: Vec<String> = left_out.classes.iter().filter(|class| !self.names(**class)).map(|class| class.named()).collect();
            self.ruled_out.retain(|out| !left_out.classes.contains(&out.class));
            let unclear: Vec<FaultClass> = left_out.classes.iter().copied().filter(|class| !self.names(*class)).collect();
            for cause in &mut self.causes {
                // Its neighbour was not excluded by the probe that is made for it.
                if unclear.iter().any(|class| looks_like(*class) == looks_like(cause.class)) {
                    cause.strength = cause.strength.min(Strength::Moderate);
                }
            }
            let classes = if open.is_empty() { String::new() } else { format!(", so {} cannot be excluded", alternatives(&open)) };
            self.undecided.push(format!(
                "not asked: {} ({}): it needs at least {}, and {} {} left for it{classes}; raise --max-jobs",
                left_out.scenario,
                left_out.title,
                counted(left_out.needs, "job"),
                count(left_out.left),
                were(left_out.left)
            ));
        }
        self.causes.sort_by_key(|cause| std::cmp::Reverse(cause.strength));
        self
    }

    fn found(&mut self, class: FaultClass, strength: Strength, evidence: Vec<String>) {
        self.causes.push(Cause { class, or: Vec::new(), strength, evidence });
    }

    /// One answer of two classes that are not told apart, the first of which is the more usual one.
    fn found_either(&mut self, class: FaultClass, or: FaultClass, evidence: Vec<String>) {
        self.found_among(class, vec![or], evidence);
    }

    /// One answer of several classes that are not told apart.
    fn found_among(&mut self, class: FaultClass, or: Vec<FaultClass>, evidence: Vec<String>) {
        self.causes.push(Cause { class, or, strength: Strength::Moderate, evidence });
    }

    fn excluded(&mut self, class: FaultClass, by: String) {
        self.ruled_out.push(RuledOut { class, by });
    }
}

/// What a class looks like before the probe that tells it from its neighbours is asked.
#[derive(PartialEq, Eq)]
enum Look {
    /// Denied at first, and seen later.
    Window,
    /// Never seen.
    Never,
    /// Seen, and denied in between.
    Flapping,
    /// Like no other.
    Own(FaultClass),
}

fn looks_like(class: FaultClass) -> Look {
    use FaultClass::{A, B, C, CPrime, D, E, G, H, I, K, L, M};
    match class {
        A | C | D | E | G | I => Look::Window,
        K | L | M => Look::Never,
        B | CPrime | H => Look::Flapping,
        other => Look::Own(other),
    }
}

/// Diagnoses a log from its scans and what was found of each scenario.
pub fn diagnose(journal: &Journal, scans: &[&ScanHistory<'_>], scenarios: &[ScenarioAnalysis]) -> Diagnosis {
    let mut diagnosis = Diagnosis::default();
    if claims::unknown_masked(&mut diagnosis, journal, scenarios) {
        // If everything is "visible", no other signature means anything.
        return diagnosis;
    }
    let looks = Looks::of(scans);
    let case = Case::new(journal, scans, &looks);
    claims::foreign_disclosure(&mut diagnosis, scenarios);
    claims::wrong_job(&mut diagnosis, &case, scenarios);
    let flapping = flapping::diagnose(&mut diagnosis, &case);
    // A worker's own memory makes windows of all lengths, which must not be taken for a queue.
    let queued = flapping.kind.is_none() && start::queue(&mut diagnosis, &case);
    // Behind a long queue, and behind a cache that keeps denials, a scan may be denied as long as anybody looks.
    let observer = flapping.kind.is_none() && !queued && start::observer_effect(&mut diagnosis, &case);
    let lost = if queued || observer { never::Lost::new() } else { never::diagnose(&mut diagnosis, &case, &flapping) };
    start::diagnose(&mut diagnosis, &case, &flapping, &lost, start::Known { queued, observer });
    claims::held_response(&mut diagnosis, &case, scenarios);
    claims::stale(&mut diagnosis, &case, scenarios, &flapping);
    if case.only_on_used_connections() {
        diagnosis.undecided.push(
            "every poll went by a connection that had carried something else, so neither what other workers know nor the cause of a \
             denial can be told: `statusgap reproduce` polls on fresh ones"
                .to_owned(),
        );
    }
    // Strongest first; among equals the order of decision stands.
    diagnosis.causes.sort_by_key(|cause| std::cmp::Reverse(cause.strength));
    let named: Vec<FaultClass> = diagnosis.causes.iter().flat_map(|cause| std::iter::once(cause.class).chain(cause.or.clone())).collect();
    diagnosis.ruled_out.retain(|out| !named.contains(&out.class));
    diagnosis.ruled_out.sort_by_key(|out| out.class);
    // Several probes may exclude a class; the first of them is enough.
    diagnosis.ruled_out.dedup_by_key(|out| out.class);
    diagnosis
}
