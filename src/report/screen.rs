//! The first screen: the verdict and the four answers, on at most 25 lines of 80 columns. All the rest is in
//! [`terminal`](super::terminal()) and in the files of the run.
//!
//! Each part has a number of lines that it may take; what does not fit is cut at a word and marked. Commands are never cut: a
//! half one is worse than a pointer to the whole.

use crate::report::layout::{MARGIN, Page, Style, code};
use crate::report::terminal::command_lines;
use crate::report::view::View;
use crate::report::words;
use crate::verdict::Verdict;

/// Lines at most, on a terminal of `USUAL_WIDTH` columns.
pub const MOST_LINES: usize = 25;

/// The width for which the lines of each part are counted; on a narrower terminal each part may take more of them.
const USUAL_WIDTH: usize = 80;

/// Lines of the parts, at the usual width.
const HEADING: usize = 2;
const TARGET: usize = 1;
const NOTICES: usize = 2;
const CLIENT: usize = 2;
const ANSWER: usize = 4;
const FEWEST: usize = 2;
const INSIDE: usize = 3;
const CONTRADICTED: usize = 4;
const COMMAND: usize = 3;
const FAILED: usize = 1;

/// A command that takes more lines than this to paste is not worth a first screen.
const LONGEST_SNIPPET: usize = 6;

/// The answers in the order in which they are given lines that nothing else needs: a reason may quote the target, and ends with what to
/// change.
const MOST_NEEDED: [usize; 4] = [2, 3, 0, 1];

/// The first screen. Ends with a newline.
pub fn screen(view: &View, style: Style) -> String {
    let mut page = Page::new(style);
    page.heading(view);
    let again = page.again(view);
    let footer = page.cut("`-v` shows scenarios, window and evidence; report.html draws them.", 1);
    let inside = page.inside_lines(view);
    // With the blank line before the footer.
    let below = inside.len() + again.len() + footer.len() + 1;
    page.answers(view, below);
    page.block("inside", &inside);
    page.block("again", &again);
    let below = footer.len() + 1;
    page.failed_scenarios(view, below);
    page.snippet(view, below);
    page.line("");
    page.block("more", &footer);
    page.text
}

impl Page {
    /// Columns beside the labels.
    fn room(&self) -> usize {
        self.style.width - MARGIN
    }

    /// How many lines a part that takes `lines` of them at the usual width may take here.
    fn allowed(&self, lines: usize) -> usize {
        if self.style.width >= USUAL_WIDTH { lines } else { (lines * (USUAL_WIDTH - MARGIN)).div_ceil(self.room()) }
    }

    /// A text in at most so many lines at the usual width, none wider than the page.
    fn cut(&self, text: &str, lines: usize) -> Vec<String> {
        cut(text, self.room(), self.allowed(lines))
    }

    fn heading(&mut self, view: &View) {
        let word = view.verdict.word().to_uppercase();
        let indent = word.len() + 2;
        let short = view.answers.short.as_str();
        for (place, line) in cut(short, self.style.width - indent, self.allowed(HEADING)).iter().enumerate() {
            let start = if place == 0 { self.style.paint(&word, &format!("1;{}", code(view.verdict))) } else { " ".repeat(word.len()) };
            self.line(&format!("{start}  {line}"));
        }
        let run = &view.run;
        let at = if run.service.is_some() { " (started by the run itself)".to_owned() } else { format!(" at {}", run.base_url) };
        let target = self.cut(&format!("{}{at}", run.target), TARGET);
        self.block("target", &target);
        let notices = match view.notices.as_slice() {
            [] => String::new(),
            [only] => only.clone(),
            // Labels of all before the text of the first: each of them changes how the rest is read.
            [first, others @ ..] => {
                let labels: Vec<&str> = others.iter().filter_map(|notice| notice.split([':', ';']).next()).collect();
                format!("{} — {first}", labels.join(", "))
            }
        };
        if !notices.is_empty() {
            let notices = self.cut(&notices, NOTICES);
            self.block("note", &notices);
        }
        if let Some(second) = &view.second_opinion {
            let told = self.cut(&words::sentence(&second.told), CLIENT);
            self.block("client", &told);
        }
        self.line("");
    }

    /// The four answers: each has its lines; those that are left go where they are needed most, and those that are missing come from where they
    /// are needed least.
    fn answers(&mut self, view: &View, below: usize) {
        let answers = view.answers.all();
        let needs = answers.map(|told| words::wrap(told.answer, self.room()).len());
        let mut given = needs.map(|lines| lines.min(self.allowed(ANSWER)));
        let used = self.text.lines().count() + below + given.iter().sum::<usize>();
        let mut over = used.saturating_sub(self.allowed(MOST_LINES));
        for at in MOST_NEEDED.into_iter().rev() {
            let less = given[at].saturating_sub(self.allowed(FEWEST)).min(over);
            given[at] -= less;
            over -= less;
        }
        let mut spare = self.allowed(MOST_LINES).saturating_sub(used);
        for at in MOST_NEEDED {
            let more = (needs[at] - given[at]).min(spare);
            given[at] += more;
            spare -= more;
        }
        for (told, most) in answers.iter().zip(given) {
            self.block(told.label, &cut(told.answer, self.room(), most));
        }
    }

    /// What the target's spans say.
    fn inside_lines(&self, view: &View) -> Vec<String> {
        let is_contradicted = view.inside.as_ref().is_some_and(|inside| !inside.contradictions.is_empty());
        let room = if is_contradicted { CONTRADICTED } else { INSIDE };
        view.inside_in_short().map_or_else(Vec::new, |told| self.cut(told, room))
    }

    /// The command that repeats the run, ready to be pasted.
    fn again(&self, view: &View) -> Vec<String> {
        if view.repeat.command.is_empty() {
            return Vec::new();
        }
        let lines = command_lines(&view.repeat.command, self.room());
        if lines.len() <= self.allowed(COMMAND) && lines.iter().all(|line| line.chars().count() <= self.room()) {
            return lines;
        }
        self.cut("the command is in report.md, under \"How to repeat\"", 1)
    }

    /// Which scenarios did not pass, where there is a line left for it.
    fn failed_scenarios(&mut self, view: &View, below: usize) {
        if self.text.lines().count() + below + FAILED > MOST_LINES || view.scenarios.len() < 2 {
            return;
        }
        let failed: Vec<&str> = view.scenarios.iter().filter(|row| row.verdict == Verdict::Fail).map(|row| row.name.as_str()).collect();
        if !failed.is_empty() {
            let line = format!("{} of {} scenarios: {}", failed.len(), view.scenarios.len(), named_once(&failed));
            let line = self.cut(&line, FAILED);
            self.block("failed", &line);
        }
    }

    /// The requests that show it, to be pasted into a shell or a ticket, where all of them fit.
    fn snippet(&mut self, view: &View, below: usize) {
        // A service that the run started itself is gone by now.
        let shows = view.verdict == Verdict::Fail && view.run.service.is_none();
        let Some(snippet) = view.repeat.snippet.as_ref().filter(|_| shows) else { return };
        let lines: Vec<String> = snippet.lines().map(str::to_owned).collect();
        let fits = lines.iter().all(|line| line.chars().count() <= self.room());
        let used = self.text.lines().count() + below;
        if fits && lines.len() <= LONGEST_SNIPPET && used + lines.len() <= MOST_LINES {
            self.block("by hand", &lines);
        }
    }
}

/// Names in the order of their first place, each once: `together, at-once (2 times)`. An investigation may ask in one way several times.
fn named_once(names: &[&str]) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for name in names {
        match counted.iter_mut().find(|(known, _)| known == name) {
            Some((_, times)) => *times += 1,
            None => counted.push((name, 1)),
        }
    }
    let told = counted.iter().map(|(name, times)| if *times == 1 { (*name).to_owned() } else { format!("{name} ({times} times)") });
    told.collect::<Vec<_>>().join(", ")
}

/// Breaks a text into at most `most` lines of at most `width` columns; the last one ends with `…` if more would follow.
fn cut(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = words::wrap(text, width).iter().flat_map(|line| pieces(line, width)).collect();
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            let kept: String = last.chars().take(width - 1).collect();
            let whole_words = kept.rsplit_once(' ').filter(|_| kept.len() < last.len()).map_or(kept.as_str(), |(words, _)| words);
            *last = format!("{}…", whole_words.trim_end_matches([' ', ',', ';', ':', '.']));
        }
    }
    lines
}

/// A line in pieces of at most `width` columns: one word may be longer than a page is wide.
fn pieces(line: &str, width: usize) -> Vec<String> {
    let characters: Vec<char> = line.chars().collect();
    characters.chunks(width.max(1)).map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::layout::Colour;
    use crate::report::samples;

    fn plain(width: usize) -> Style {
        Style { width, colour: Colour::Off }
    }

    #[test]
    fn a_scenario_that_failed_several_times_is_named_once() {
        assert_eq!(named_once(&["together", "at-once", "at-once"]), "together, at-once (2 times)");
    }

    #[test]
    fn every_kind_of_run_fits_a_screen_and_reads_as_in_its_snapshot() {
        for (name, view) in samples::all() {
            for width in [80, 100, 160, 200] {
                let text = screen(&view, plain(width));
                assert!(text.lines().count() <= MOST_LINES, "{name} at {width}: {} lines\n{text}", text.lines().count());
            }
            for width in [40, 60, 80, 160] {
                let text = screen(&view, plain(width));
                assert!(text.lines().all(|line| line.chars().count() <= width), "{name} at {width}:\n{text}");
            }
            insta::assert_snapshot!(format!("{name}_80"), screen(&view, plain(80)));
        }
        insta::assert_snapshot!("seed_bug_40", screen(&samples::view(&samples::seed_bug()), plain(40)));
    }

    #[test]
    fn colour_only_repeats_what_the_words_say() {
        let escapes = regex::Regex::new("\u{1b}\\[[0-9;]*m").expect("a right expression");
        for (name, view) in samples::all() {
            let coloured = screen(&view, Style { width: 80, colour: Colour::On });
            let stripped: Vec<String> = coloured.lines().map(|line| escapes.replace_all(line, "").trim_end().to_owned()).collect();
            assert_eq!(stripped.join("\n") + "\n", screen(&view, plain(80)), "{name}");
        }
    }

    #[test]
    fn a_text_is_cut_between_words_and_says_so() {
        assert_eq!(cut("one two three four", 9, 2), ["one two", "three…"]);
        assert_eq!(cut("one two", 9, 2), ["one two"]);
        assert_eq!(cut("abcdefghijkl", 5, 2), ["abcde", "fghi…"]);
    }
}
