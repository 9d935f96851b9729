//! A watch's rounds over time: one bar each, where it began. A clean round is half as high as a failing one, an unmeasured one a stub, so
//! that nobody needs to see a colour; rounds that did not take place leave a gap.

use maud::{Markup, html};

use crate::report::html::axis::short;
use crate::report::html::key;
use crate::report::watch_status::{StripRound, WatchStatus};
use crate::report::words;
use crate::verdict::rolling::Outcome;

const HEIGHT: f64 = 56.0;
/// Bars do not touch as long as there are fewer than that many.
const APART: f64 = 160.0;

/// The strip; nothing before the second round, which gives it a width.
pub(super) fn strip(live: &WatchStatus) -> Option<Markup> {
    let (first, last) = (live.strip.first()?, live.strip.last()?);
    let span = last.began.unix - first.began.unix;
    if span <= 0.0 {
        return None;
    }
    // As wide as the time between two rounds, and never wider than what keeps single ones apart.
    let width = (100.0 * live.every.as_secs_f64() / span).clamp(0.15, 100.0 / APART);
    let at = |round: &StripRound| (100.0 - width) * (round.began.unix - first.began.unix) / span;
    let clock = |round: &StripRound| round.began.told.split(['.', 'Z']).next().unwrap_or_default().replace('T', " ");
    Some(html! {
        figure.chart data-chart {
            figcaption { b { "Each round since " (clock(first)) " UTC." } " " (counts(&live.strip)) } "\n"
            svg.plot width="100%" height=(HEIGHT + 18.0) role="img" aria-label=(counts(&live.strip)) {
                line.grid x1="0" x2="100%" y1=(HEIGHT) y2=(HEIGHT) {} "\n"
                @for round in &live.strip {
                    @let (class, height) = look(round.outcome);
                    rect class=(class) x={ (short(at(round))) "%" } width={ (short(width)) "%" } y=(HEIGHT - height) height=(height) {
                        title {
                            "round " (words::count(round.number)) ", " (clock(round)) ": " (round.outcome.word())
                            ", " (words::count(round.denied)) " of " (words::count(round.scans)) " denied"
                        }
                    }
                    "\n"
                }
                text.label.first.tick x="0" y=(HEIGHT + 15.0) { (clock(first)) }
                text.label.last.tick x="100%" y=(HEIGHT + 15.0) { (clock(last)) }
            }
            p.legend { (key("s-known", "m-known", "clean (half as high)")) (key("s-known", "m-disclosed", "failing")) (key("s-known", "m-neither", "not measured (a stub)")) }
        }
        "\n"
    })
}

fn look(outcome: Outcome) -> (&'static str, f64) {
    match outcome {
        Outcome::Clean => ("m-known", HEIGHT / 2.0),
        Outcome::Failing => ("m-disclosed", HEIGHT),
        Outcome::Unmeasured => ("m-neither", 8.0),
    }
}

fn counts(rounds: &[StripRound]) -> String {
    let of = |outcome| rounds.iter().filter(|round| round.outcome == outcome).count() as u64;
    format!(
        "{}: {} clean, {} failing, {} not measured.",
        words::counted(rounds.len() as u64, "round"),
        words::count(of(Outcome::Clean)),
        words::count(of(Outcome::Failing)),
        words::count(of(Outcome::Unmeasured))
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::watch_status;

    #[test]
    fn every_round_has_a_bar_at_its_time_and_inside_the_strip() {
        let mut live = watch_status::sample();
        assert!(strip(&live).is_some());
        // An hour without rounds is a gap.
        let mut late = live.strip[0].clone();
        late.began.unix += 3600.0;
        live.strip.push(late);
        let text = strip(&live).expect("a strip").into_string();
        assert_eq!(text.matches("<rect").count(), live.strip.len() + text.matches("<rect id").count());
        for place in
            text.split("<rect class=").skip(1).map(|rect| rect.split("x=\"").nth(1).and_then(|x| x.split('%').next()).expect("a place"))
        {
            let place: f64 = place.parse().expect("a number");
            assert!((0.0..=100.0).contains(&place), "{place}");
        }
        live.strip.truncate(1);
        assert!(strip(&live).is_none(), "a single round has no time between rounds");
    }
}
