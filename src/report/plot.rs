//! The share of scans visible by age, drawn in text: what the estimate is sure of as blocks, what the brackets leave open
//! as shade.

use crate::analysis::window::CurvePoint;

const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const OPEN: char = '░';

/// An estimated curve with an age axis that begins at zero.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plot<'a> {
    curve: &'a [CurvePoint],
    /// The axis' right end, in milliseconds.
    pub(super) end_ms: f64,
}

impl<'a> Plot<'a> {
    /// A plot of a curve; `None` where there is nothing to draw.
    pub(super) fn of(curve: &'a [CurvePoint]) -> Option<Plot<'a>> {
        let last = curve.iter().map(|point| point.to_ms.unwrap_or(point.from_ms)).fold(0.0, f64::max);
        (last > 0.0).then(|| Plot { curve, end_ms: round_up(last * 1.1) })
    }

    /// Share of scans that is certainly visible by an age, and the share that may be.
    pub(super) fn bounds(&self, age_ms: f64) -> (f64, f64) {
        // Folded from plus zero: the sum of no floats is minus zero, and would be printed so.
        let sum = |within: &dyn Fn(&CurvePoint) -> bool| {
            self.curve.iter().filter(|point| within(point)).fold(0.0, |sum, point| sum + point.mass).min(1.0)
        };
        (sum(&|point| point.to_ms.is_some_and(|to| to <= age_ms)), sum(&|point| point.from_ms < age_ms))
    }

    fn columns(&self, width: usize) -> impl Iterator<Item = (f64, f64)> {
        (1..=width).map(move |column| self.bounds(self.end_ms * column as f64 / width as f64))
    }

    /// The curve in one line.
    pub(super) fn line(&self, width: usize) -> String {
        self.columns(width)
            .map(|(certain, at_most)| {
                // Where a quarter of the scans or more may be on either side, a height would be a guess.
                if at_most - certain > 0.25 { OPEN } else { bar(certain) }
            })
            .collect()
    }

    /// The curve as a chart of `height` rows and `width` columns, with its axes.
    pub(super) fn chart(&self, width: usize, height: usize) -> Vec<String> {
        let columns: Vec<(f64, f64)> = self.columns(width).collect();
        let mut lines: Vec<String> = (0..height)
            .rev()
            .map(|row| {
                let label = if row + 1 == height {
                    "100 %"
                } else if row * 2 == height {
                    " 50 %"
                } else {
                    "     "
                };
                let cells: String = columns.iter().map(|(certain, at_most)| cell(*certain, *at_most, row, height)).collect();
                format!("{label} │{}", cells.trim_end())
            })
            .collect();
        lines.push(format!("  0 % └{}", "─".repeat(width)));
        let (middle, end) = (super::words::age(self.end_ms / 2.0), super::words::age(self.end_ms));
        let gap = (width / 2).saturating_sub(1 + middle.chars().count() / 2);
        let rest = width.saturating_sub(1 + gap + middle.chars().count() + end.chars().count());
        lines.push(format!("       0{}{middle}{}{end}", " ".repeat(gap), " ".repeat(rest)));
        lines
    }
}

/// A bar of at least an eighth, at most eight of them.
fn bar(share: f64) -> char {
    EIGHTHS[1 + (share * 7.0).round().clamp(0.0, 7.0) as usize]
}

/// Numbers as a line of bars, the highest one full; what is not known is a dot.
pub(super) fn sparkline(values: &[Option<f64>], highest: f64) -> String {
    let share = |value: f64| if highest > 0.0 { value / highest } else { 0.0 };
    values.iter().map(|value| value.map_or('·', |value| bar(share(value)))).collect()
}

fn cell(certain: f64, at_most: f64, row: usize, height: usize) -> char {
    let filled = |share: f64| ((share * height as f64 - row as f64).clamp(0.0, 1.0) * 8.0).round() as usize;
    match (filled(certain), filled(at_most)) {
        (0, 0) => ' ',
        (0, _) => OPEN,
        (eighths, _) => EIGHTHS[eighths],
    }
}

/// The next number of the form 1, 1.5, 2, 2.5, 3, 4, 5, 6 or 8 times a power of ten.
fn round_up(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0].into_iter().map(|step| step * power).find(|step| *step >= value).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_low_before_the_window_ends_and_high_after_it() {
        let curve = [CurvePoint { from_ms: 1978.0, to_ms: Some(1983.0), mass: 1.0 }];
        let plot = Plot::of(&curve).expect("there is a curve");
        assert!((plot.end_ms - 2500.0).abs() < 1e-9);
        assert_eq!(plot.line(10), "▁▁▁▁▁▁▁███", "an edge narrower than a column belongs to the column's end");
    }

    #[test]
    fn what_the_brackets_leave_open_is_shaded() {
        let curve = [CurvePoint { from_ms: 0.0, to_ms: Some(900.0), mass: 0.5 }, CurvePoint { from_ms: 900.0, to_ms: None, mass: 0.5 }];
        let plot = Plot::of(&curve).expect("there is a curve");
        assert_eq!(plot.line(4), "░░░░");
        assert_eq!(plot.bounds(900.0), (0.5, 0.5));
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert!(Plot::of(&[]).is_none());
        assert!(Plot::of(&[CurvePoint { from_ms: 0.0, to_ms: None, mass: 1.0 }]).is_none());
    }

    #[test]
    fn a_line_of_bars_is_as_high_as_its_numbers() {
        assert_eq!(sparkline(&[Some(0.0), Some(0.5), None, Some(1.0)], 1.0), "▁▅·█");
        assert_eq!(sparkline(&[Some(0.0)], 0.0), "▁");
    }
}
