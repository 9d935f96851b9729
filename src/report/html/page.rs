//! The parts of the page that are told in words: causes, one scan's story, how to repeat, what could not be seen.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::report::html::{Column, Section, folded, list, prose, table, text};
use crate::report::view::{Mark, View};
use crate::report::words;

/// The causes and their cures, the excluded ones, and what is undecided.
pub(super) fn diagnosis(view: &View) -> Section {
    let mut body = String::new();
    for cause in &view.causes {
        let _ = write!(
            body,
            "<article class=\"cause\">\n<h3>{} <span class=\"aside\">{} evidence</span></h3>\n<p>{}</p>\n{}<p><b>Cure.</b> {}</p>\n</article>\n",
            text(&sentence_case(&cause.named)),
            cause.strength,
            text(&cause.mechanism),
            list(&cause.evidence),
            prose(&cause.cure)
        );
    }
    for pattern in &view.patterns {
        let _ = write!(
            body,
            "<article class=\"cause\">\n<h3>No class is named</h3>\n<p>{}{}</p>\n<p><b>Ask next.</b> {}</p>\n</article>\n",
            prose(&pattern.statement),
            words::may_be(&pattern.possible_named),
            prose(pattern.ask_next)
        );
    }
    // With a cause the next step is its cure, which has just been told.
    if view.causes.first().is_none_or(|cause| !view.next_step.contains(&cause.cure)) {
        let _ = writeln!(body, "<p><b>Next step.</b> {}</p>", prose(&view.next_step));
    }
    if !view.ruled_out.is_empty() {
        let rows = view.ruled_out.iter().map(|row| vec![text(row.class), row.name.to_owned(), text(&row.by)]);
        let columns = [Column::Words("Class"), Column::Words("Cause"), Column::Words("Ruled out by")];
        body.push_str(&folded(
            &format!("Ruled out: {}", words::counted(view.ruled_out.len() as u64, "cause")),
            &table("Ruled out", &columns, rows),
        ));
    }
    if !view.undecided.is_empty() {
        body.push_str(&folded("What could not be told apart", &list(&view.undecided)));
    }
    let title = if view.causes.is_empty() { "What to do" } else { "Why, and what cures it" };
    Section { id: "diagnosis", title, body }
}

/// The clearest scan, step by step.
pub(super) fn story(view: &View) -> Option<Section> {
    let timeline = view.timeline.as_ref()?;
    let steps: String = timeline
        .steps
        .iter()
        .map(|step| {
            let when = if step.times == 1 { words::age(step.at_ms) } else { words::between(step.at_ms, Some(step.until_ms)) };
            let (class, sign) = match step.mark {
                Mark::Works => ("works", "✓"),
                Mark::Fails => ("fails", "✕"),
                Mark::Neutral => ("", "·"),
            };
            let lane = step.kind.map_or_else(String::new, |_| format!(" <span class=\"aside\">{}</span>", step.connection.word()));
            let times = if step.times > 1 { format!(" {} times", words::count(step.times)) } else { String::new() };
            let worker = step.worker.as_deref().map_or_else(String::new, |worker| format!(" <span class=\"aside\">worker {}</span>", text(worker)));
            format!(
                "<li class=\"{class}\"><span class=\"when\">{when}</span> <span class=\"asked\">{}{lane}</span> <span class=\"told\"><span class=\"sign {class}\">{sign}</span> {}{times}{worker}</span></li>\n",
                text(&step.asked),
                text(&step.told)
            )
        })
        .collect();
    let body = format!(
        "<p>Scan {} of scenario {}, the clearest of the run. Ages count from the last byte of the answer that handed out its id.</p>\n<ol class=\"story\">\n{steps}</ol>\n",
        timeline.scan,
        text(&timeline.scenario)
    );
    Some(Section { id: "story", title: "One scan’s story", body })
}

/// The commands that show it again.
pub(super) fn repeat(view: &View) -> Option<Section> {
    let mut body = String::new();
    if !view.repeat.command.is_empty() {
        let _ = write!(body, "<p>The same plan with the same seed ({}):</p>\n{}", view.run.seed, code(&view.repeat.command));
    }
    if let Some(snippet) = &view.repeat.snippet {
        let first = if view.run.service.is_some() { " (against a running service; the run had started its own)" } else { "" };
        let _ = write!(body, "<p>By hand{first}, with a new scan and a poll at the failing age:</p>\n{}", code(snippet));
    }
    (!body.is_empty()).then_some(Section { id: "repeat", title: "How to repeat", body })
}

fn code(source: &str) -> String {
    format!("<div class=\"code\"><pre tabindex=\"0\"><code>{}</code></pre></div>\n", text(source))
}

/// What keeps the report honest.
pub(super) fn unseen(view: &View) -> Option<Section> {
    (!view.unseen.is_empty()).then(|| Section { id: "unseen", title: "What could not be seen", body: list(&view.unseen) })
}

/// What was run, where and when.
pub(super) fn about(view: &View) -> Section {
    let run = &view.run;
    let mut rows = vec![
        ("Target", format!("{} at {}", run.target, run.base_url)),
        ("Started", run.started.clone()),
        ("Run", run.run_id.clone()),
        ("Tool", run.tool.clone()),
        ("Timer", format!("{}, resolution {} ns", run.timer, (run.resolution_ms * 1e6).round())),
        ("Machine", format!("{}, {}", run.system, words::counted(u64::from(run.processors), "processor"))),
        ("Exchanges", words::count(run.exchanges)),
    ];
    rows.extend(view.jobs().map(|jobs| ("Jobs", jobs)));
    if let Some(service) = &run.service {
        rows.insert(1, ("Service", service.clone()));
    }
    let rows: String = rows.iter().map(|(name, value)| format!("<dt>{name}</dt><dd>{}</dd>\n", text(value))).collect();
    Section { id: "about", title: "About this run", body: format!("<dl class=\"about\">\n{rows}</dl>\n") }
}

/// With a capital at the beginning.
pub(super) fn sentence_case(raw: &str) -> String {
    let mut chars = raw.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
