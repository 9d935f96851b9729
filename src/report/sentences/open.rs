//! What could not be told apart, in words, with the probe that would tell.

use crate::analysis::diagnosis::OpenQuestion;
use crate::report::sentences::{rough_share, time};
use crate::report::words::{alternatives, count, counted, were};

/// One open question, as a fragment.
pub fn open_question(question: &OpenQuestion) -> String {
    let text = match question {
        OpenQuestion::NotAsked { scenario, title, needs, left, classes } => {
            let open: Vec<String> = classes.iter().map(|class| class.named()).collect();
            let classes = if open.is_empty() { String::new() } else { format!(", so {} cannot be excluded", alternatives(&open)) };
            return format!(
                "not asked: {scenario} ({title}): it needs at least {}, and {} {} left for it{classes}; raise --max-jobs",
                counted(*needs, "job"),
                count(*left),
                were(*left)
            );
        }
        OpenQuestion::HoleOrDisturbance { scans } => {
            return format!(
                "cannot tell a hole in a scan's life (H) from a disturbance of the service: {}; watch more scans, asked for at different times, closely",
                if *scans < 2 { "only one scan has one" } else { "they are few, or lie at one time" }
            );
        }
        OpenQuestion::MemoryOrChange { from_ns } => {
            return format!(
                "from {} into the run on, no poll of the same ages was denied: instances that had learned of the store by then (per-instance memory, B), or a service that changed meanwhile",
                time(*from_ns)
            );
        }
        OpenQuestion::MemoryOrChance { share, kept_denied, kept } => {
            return format!(
                "cannot tell per-instance memory (B) behind a balancer that deals out requests from denials at random (share {}): kept connections were denied as well, {kept_denied} of {kept} polls; have the service name the worker in its answers",
                rough_share(*share)
            );
        }
        OpenQuestion::Changed { at_ns, denied_before, polls, denied } => {
            return format!(
                "the service changed {} into the run: of {polls} first polls of equal age {denied} were denied, all of them {} that; run again to see which of the two lasts",
                time(*at_ns),
                if *denied_before { "before" } else { "after" }
            );
        }
        OpenQuestion::FailedUnseen { failed, of } => {
            return format!(
                "{failed} of {} were cut off or answered by a gateway's error, and it is not known whether they left a job behind (accepted, reported as failed, Z): let the client give the id (`[initiate] id` and `orphan = true` in the target file)",
                counted(*of, "request for a job")
            );
        }
        OpenQuestion::CommitOrDelay { latest_ns, later_than_ns, later } => {
            return format!(
                "cannot tell a commit after the answer (I) from a delayed registration (A) with these offsets: the last not_found was at {}, and only {later} scans were first polled after {}",
                time(*latest_ns),
                time(*later_than_ns)
            );
        }
        OpenQuestion::LateOrLagging { window_ns } => {
            return format!(
                "cannot tell a record that is written late (I, A) from a copy that lags by as little (C, C'): the window of {} is shorter than what a second write or a \
                 second poll of the same scan resolves; see in the service whether status reads from where the initiate writes",
                time(*window_ns)
            );
        }
        OpenQuestion::DelayOrLag { cancels, after_ns, until_ns } => {
            return format!(
                "cannot tell a delayed registration (A) from a replica that lags (C): {cancels} second writes were seen after {}–{}, which is too wide; poll more often",
                time(*after_ns),
                time(*until_ns)
            );
        }
        OpenQuestion::OnlyUsedConnections => {
            "every poll went by a connection that had carried something else, so neither what other workers know nor the cause of a \
             denial can be told: `statusgap reproduce` polls on fresh ones"
        }
        OpenQuestion::HeldOrSlow => {
            "some polls took long, and none went by a fresh connection to be compared with: `statusgap run keep-alive` tells \
             a held response (P) from a slow service"
        }
        OpenQuestion::StaleOrDefault => {
            "cannot tell an older copy (O) from a default that stands for an end: these scans were answered with an end before anything else, and ran \
             after it; see what status answers for a job that has no state of its own yet"
        }
        OpenQuestion::StaleOrRetried => {
            "cannot tell an older copy (O) from an attempt that failed and was made again: these scans were answered as failed, and ran after it; \
             list the word of a failed attempt as running, or see in the service whether they were tried again"
        }
        OpenQuestion::StaleOrMixedReads => {
            "cannot tell an older copy that is served for good (O) from reads of which some go to a copy that lags (C'): older answers came for no longer than denials, or while \
             scans were denied as well; watch scans for far longer beyond their end"
        }
        OpenQuestion::StaleOrAccident => {
            "cannot tell an older copy (O) from an accident of one scan: only one went back from its end; watch more scans beyond their end"
        }
        OpenQuestion::MixedReadsOrHole => {
            "cannot tell mixed reads (C') from a hole in the scans' life (H): no scan was seen to change more than once, and no two pollers disagreed; poll a scan from several fresh connections at once, from its id on"
        }
        OpenQuestion::EvictedOrLostAtOnce => {
            "cannot tell a lifetime (F) from records that were all lost at one time, as by a restart: the scans may have gone at the same instant; watch scans \
             that were asked for at other times"
        }
        OpenQuestion::EvictedOrReadOnce => {
            "cannot tell early eviction (F) from a read that removes the record: no end was ever answered twice; ask for the end of a scan from several \
             connections at once, and leave another scan of equal age unasked until then"
        }
        OpenQuestion::EvictedOrHole => {
            "cannot tell whether scans that were denied at the last come back: watch them well beyond their end to tell early eviction (F) from holes (H)"
        }
        OpenQuestion::RefusedOrUnknown => {
            "cannot tell a right to read that comes late (R) from a record that does: ids that do not exist are refused in the same way; see in the service \
             whether the record was there when its owner was refused"
        }
        OpenQuestion::MemoryOrEvicted => {
            "cannot tell per-instance memory (B) from early eviction (F) and mixed reads (C') with so few polls: poll one scan from several fresh connections at once, well after it was seen"
        }
        OpenQuestion::LostOrIds => "cannot tell lost jobs (M) from ids that do not get through (L) with so few of them: ask for more scans",
        OpenQuestion::QueueOrDelay => {
            "cannot tell a queue (E) from windows that differ by chance (A): they hardly grow with the place in which scans were asked for; ask for \
             more scans at once, and for one while nothing else is under way"
        }
        OpenQuestion::CommitOrDelayInAll => {
            "cannot tell a commit after the answer (I) from a registration that is late in every scan (A): no polls of equal age over connections of \
             one kind went either way often enough; poll at least 20 scans at once on connections that are already open (`statusgap run zero-delay`)"
        }
        OpenQuestion::DelayOrRefresh => {
            "cannot tell a delay (A) from an index that refreshes periodically (G): follow scans that were asked for at random instants closely"
        }
        OpenQuestion::GrowthNotAsked => "cannot tell whether the window grows with the queue (E): ask for several scans at once",
        OpenQuestion::LagOrRefresh => {
            "cannot tell a copy that lags (C) from an index that refreshes periodically (G): the windows differ; follow scans that were asked for \
             at random instants more closely"
        }
        OpenQuestion::DelayOrQueue => {
            "cannot tell a delayed registration (A) from a queue (E): scans that were asked for while no other was under way were not denied; \
             ask for more scans at once"
        }
        OpenQuestion::DelayOrMixedReads => {
            "cannot tell a delayed registration (A) from reads of which only some go to a copy that lags (C'): poll a scan from several \
             fresh connections at once while others are still denied"
        }
        OpenQuestion::NoSecondWrite => {
            "cannot tell a delayed registration (A) from a replica that lags (C) without a second write: `statusgap reproduce` sends one where the target file has an [update] or a [cancel] section"
        }
    };
    text.to_owned()
}
