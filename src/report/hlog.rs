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
