//! What is said while a run goes on: the first denial, what is measured now, and one picture for a terminal.
//!
//! Sentences about [`SoFar`], which judges nothing. How long it still takes comes in as text, since only `run` can say it.

use crate::analysis::so_far::SoFar;
use crate::model::noun::Noun;
use crate::model::time::Nanos;
use crate::report::words;

/// So many ages have a row of their own in the picture; the others are in the report.
const AGES: usize = 6;

/// The longest bar, in columns.
const LONGEST_BAR: usize = 24;

/// That jobs are denied, with the request and its answer: the first sentence. `None` before the first denial.
pub fn first_denial(so_far: &SoFar, request: &str, noun: &Noun) -> Option<String> {
    let first = so_far.first.as_ref()?;
    let code = first.http.map_or_else(String::new, |code| format!(" {code}"));
    let word = first.word.as_deref().map_or_else(String::new, |word| format!(" \"{}\"", words::name(word)));
    Some(format!(
        "denied: {} answered{code}{word} for {} of {} so far{}",
        words::clean(request, 120),
        words::count(so_far.denied),
        noun.counted(so_far.polled),
        until(so_far)
    ))
}

/// What is known by now, for a line of a log.
pub fn line(so_far: &SoFar, noun: &Noun) -> String {
    let found = match so_far.found_from_to {
        Some((from, to)) => {
            format!("{} found again, {} after the id", words::count(so_far.found_again), words::between(from.as_ms(), Some(to.as_ms())))
        }
        None => "none found again yet".to_owned(),
    };
    format!("{} of {} denied{}; {found}", words::count(so_far.denied), noun.counted(so_far.polled), until(so_far))
}

fn until(so_far: &SoFar) -> String {
    so_far.denied_until.map_or_else(String::new, |age| format!(", up to {} after the id", words::age(age.clamped().as_ms())))
}

/// The picture: how many polls at each planned age were denied, and the window so far. No line is wider than `width`.
pub fn picture(so_far: &SoFar, noun: &Noun, width: usize) -> String {
    let mut lines = Vec::new();
    let ages: Vec<(&Nanos, &(u64, u64))> = so_far.ages.iter().collect();
    let room = width.saturating_sub(30).min(LONGEST_BAR);
    for (at, (denied, polled)) in ages.iter().take(AGES) {
        let filled = if room > 0 { bar(*denied, *polled, room) } else { String::new() };
        lines.push(format!("  {:>6} {filled:room$} {} of {} denied", words::planned(**at), words::count(*denied), words::count(*polled)));
    }
    if ages.len() > AGES {
        lines.push(format!("  and {}", words::counted((ages.len() - AGES) as u64, "more age")));
    }
    if so_far.polled > 0 {
        lines.extend(words::wrap(&line(so_far, noun), width.saturating_sub(2)).into_iter().map(|line| format!("  {line}")));
    }
    lines.iter().map(|line| line.chars().take(width).collect::<String>()).collect::<Vec<_>>().join("\n")
}

/// A bar whose length is the share denied, in eighths of a column; whatever was denied at all is visible.
fn bar(denied: u64, polled: u64, room: usize) -> String {
    const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
    if polled == 0 || denied == 0 {
        return String::new();
    }
    let eighths = ((denied as f64 / polled as f64 * (room * 8) as f64).round() as usize).clamp(1, room * 8);
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8 - 1]);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::so_far::FirstDenial;
    use crate::model::time::Stamp;

    fn ms(ms: i64) -> Nanos {
        Nanos(ms * 1_000_000)
    }

    fn sample() -> SoFar {
        let first = FirstDenial { at: Stamp(0), age: ms(0), http: Some(404), word: None };
        let mut so_far = SoFar::default();
        (so_far.polled, so_far.denied, so_far.found_again, so_far.first) = (60, 12, 3, Some(first));
        so_far.denied_until = Some(ms(1_900));
        so_far.found_from_to = Some((ms(1_950), ms(2_010)));
        so_far.ages = (0..9).map(|n| (ms(n * 500), (if n == 8 { 0 } else { 12 }, 12 + 6 * n as u64))).collect();
        so_far
    }

    #[test]
    fn the_first_sentence_names_request_answer_and_counts() {
        assert_eq!(
            first_denial(&sample(), "GET /jobs/{id}", &Noun::default()).as_deref(),
            Some("denied: GET /jobs/{id} answered 404 for 12 of 60 jobs so far, up to 1.900 s after the id")
        );
        assert_eq!(first_denial(&SoFar::default(), "GET /jobs/{id}", &Noun::default()), None);
        assert_eq!(
            line(&sample(), &Noun::default()),
            "12 of 60 jobs denied, up to 1.900 s after the id; 3 found again, 1.950–2.010 s after the id"
        );
    }

    #[test]
    fn the_picture_has_a_row_for_each_age_and_fits_the_terminal() {
        for width in [20, 40, 80, 200] {
            let picture = picture(&sample(), &Noun::default(), width);
            assert!(picture.lines().all(|line| line.chars().count() <= width), "{width}:\n{picture}");
        }
        let picture = picture(&sample(), &Noun::default(), 80);
        let rows: Vec<&str> = picture.lines().collect();
        assert_eq!(rows[0], format!("      0s {} 12 of 12 denied", "█".repeat(24)));
        assert_eq!(rows[2], format!("      1s {:24} 12 of 24 denied", "█".repeat(12)));
        assert_eq!(rows[6], "  and 3 more ages");
        assert_eq!((bar(0, 9, 24), bar(1, 1000, 24)), (String::new(), "▏".to_owned()));
    }
}
