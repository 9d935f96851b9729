//! Round trips as a log of HDR histograms (interval log, V2, deflated): what the `HdrHistogram` tools plot and merge.
//!
//! One interval spans the whole run. It has a line for each kind of exchange and connection, tagged `poll/fresh`, and one
//! counted from the planned instant instead of the sent one, tagged `poll/fresh/planned`. Values are nanoseconds; the readable
//! maximum of a line is in milliseconds. Windows are not in it: they are intervals, and a histogram has no place for those.

use std::time::UNIX_EPOCH;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use crate::report::view::View;

const NANOSECONDS_IN_A_MILLISECOND: f64 = 1e6;

/// The round trips as an interval log. Ends with a newline.
pub fn hlog(view: &View) -> String {
    let mut log = IntervalLogWriterBuilder::new();
    log.add_comment("[Histogram log format version 1.3]");
    log.add_comment(&format!("statusgap {}: {}", view.verdict.word(), view.headline));
    for notice in &view.notices {
        log.add_comment(notice);
    }
    log.add_comment(&format!("run {} against {} by {}", view.run.run_id, view.run.target, view.run.tool));
    if let Some(began) = view.run.began {
        log.with_start_time(UNIX_EPOCH + began);
    }
    log.with_max_value_divisor(NANOSECONDS_IN_A_MILLISECOND);

    let mut text = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    // Memory takes everything that is written into it.
    let Ok(mut lines) = log.begin_log_with(&mut text, &mut serializer) else { return String::new() };
    let header = lines.write_comment(r#""StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram""#);
    debug_assert!(header.is_ok(), "memory takes everything");
    for group in &view.histograms {
        let name = format!("{}/{}", group.kind.word().replace(' ', "-"), group.connection.word());
        let planned = format!("{name}/planned");
        for (tag, histogram) in [(&name, group.latency.from_sent()), (&planned, group.latency.from_planned())] {
            let written = lines.write_histogram(&portable(histogram), std::time::Duration::ZERO, view.run.lasted, Tag::new(tag));
            debug_assert!(written.is_ok(), "a histogram of this program's own making fits into the format");
        }
    }
    String::from_utf8(text).unwrap_or_default()
}

/// The same counts in a histogram whose bounds are fixed. One that grows by itself states no upper bound, and readers in
/// other languages want to know it before they allocate.
fn portable(histogram: &Histogram<u64>) -> Histogram<u64> {
    let highest = histogram.max().max(1_000_000).next_power_of_two();
    let Ok(mut fixed) = Histogram::new_with_bounds(1, highest, histogram.sigfig()) else { return histogram.clone() };
    match fixed.add(histogram) {
        Ok(()) => fixed,
        Err(_) => histogram.clone(),
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    use super::*;
    use crate::report::samples;

    /// `base64` as the format uses it, by hand: a crate for one test would be too much.
    fn decoded(text: &str) -> Vec<u8> {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let (mut bits, mut count, mut bytes) = (0u32, 0, Vec::new());
        for c in text.bytes().filter(|c| *c != b'=') {
            let six = ALPHABET.iter().position(|letter| *letter == c).expect("a base64 letter");
            (bits, count) = (bits << 6 | six as u32, count + 6);
            if count >= 8 {
                count -= 8;
                bytes.push((bits >> count) as u8);
                bits &= (1 << count) - 1;
            }
        }
        bytes
    }

    #[test]
    fn every_round_trip_is_in_the_log_once_under_its_tag() {
        let sample = samples::seed_bug();
        let view = samples::view(&sample);
        let text = hlog(&view);
        let mut read = Vec::new();
        for entry in IntervalLogIterator::new(text.as_bytes()) {
            if let LogEntry::Interval(interval) = entry.expect("a right line") {
                let histogram: Histogram<u64> =
                    Deserializer::new().deserialize(&mut decoded(interval.encoded_histogram()).as_slice()).expect("a histogram");
                let tag = interval.tag().expect("a tag").as_str().to_owned();
                read.push((tag, histogram.len(), histogram.value_at_quantile(0.5) / 10_000));
            }
        }
        // Each of the sample's exchanges takes 1.2 ms.
        let expected = [("initiate/fresh", 1), ("poll/fresh", 2), ("unknown-id-poll/fresh", 2), ("witness/fresh", 1)];
        let expected: Vec<_> =
            expected.iter().flat_map(|(tag, n)| [((*tag).to_owned(), *n, 120), (format!("{tag}/planned"), *n, 120)]).collect();
        assert_eq!(read, expected);
        assert!(text.contains("#[StartTime: "));
    }
}
