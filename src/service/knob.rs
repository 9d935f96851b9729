//! The table of knobs: how each field of [`Settings`] is named, read, shown and explained in text.

use super::knob_value::KnobValue;
use super::settings::Settings;

/// A knob as shown to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnobDescription {
    /// The name in `NAME=VALUE`.
    pub name: &'static str,
    /// Its value in the default preset, as it would be written.
    pub default: String,
    /// What a value looks like, units included.
    pub form: String,
    /// One sentence on what it does.
    pub explanation: &'static str,
}

/// Why settings were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No knob has this name.
    #[error("there is no knob `{name}`{}", hint(.nearest.as_deref()))]
    UnknownKnob {
        /// The name as given.
        name: String,
        /// The knob that was probably meant.
        nearest: Option<String>,
    },
    /// No preset has this name.
    #[error("there is no preset `{name}`{}", hint(.nearest.as_deref()))]
    UnknownPreset {
        /// The name as given.
        name: String,
        /// The preset that was probably meant.
        nearest: Option<String>,
    },
    /// The value has not the form that the knob expects.
    #[error("knob `{name}`: `{value}` is not {form}{}", hint(.nearest.as_deref()))]
    BadValue {
        /// The knob.
        name: String,
        /// The value as given.
        value: String,
        /// What was expected.
        form: String,
        /// The word that was probably meant.
        nearest: Option<String>,
    },
    /// An assignment, user or profile is not written as it must be.
    #[error("`{given}` is not {form}")]
    Malformed {
        /// As given.
        given: String,
        /// What was expected.
        form: &'static str,
    },
    /// Two settings exclude each other, or one needs another.
    #[error("{0}")]
    Conflict(&'static str),
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|word| format!("; did you mean `{word}`?")).unwrap_or_default()
}

/// One row of the table.
struct Knob {
    name: &'static str,
    explanation: &'static str,
    form: fn() -> String,
    words: fn() -> &'static [&'static str],
    set: fn(&mut Settings, &str) -> bool,
    show: fn(&Settings) -> String,
}

impl Settings {
    /// Sets one knob from text.
    pub fn set(&mut self, knob: &str, value: &str) -> Result<(), SettingsError> {
        let table = table();
        let Some(row) = table.iter().find(|row| row.name == knob) else {
            let nearest = nearest(knob, table.iter().map(|row| row.name));
            return Err(SettingsError::UnknownKnob { name: knob.into(), nearest });
        };
        if (row.set)(self, value) {
            return Ok(());
        }
        let nearest = nearest(value, (row.words)().iter().copied());
        Err(SettingsError::BadValue { name: knob.into(), value: value.into(), form: (row.form)(), nearest })
    }

    /// All knobs, in the order in which they are explained.
    pub fn knobs() -> Vec<KnobDescription> {
        let defaults = Settings::default();
        table()
            .iter()
            .map(|row| KnobDescription { name: row.name, default: (row.show)(&defaults), form: (row.form)(), explanation: row.explanation })
            .collect()
    }

    /// Every knob's present value, as it would be written.
    pub fn values(&self) -> Vec<(&'static str, String)> {
        table().iter().map(|row| (row.name, (row.show)(self))).collect()
    }
}

/// The candidate within a third of its letters of `word`, if there is one.
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    candidates
        .map(|candidate| (edit_distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 3)
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

/// Levenshtein's distance, one row at a time.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

fn form_of<T: KnobValue>(_: fn(&Settings) -> &T) -> fn() -> String {
    T::form
}

fn words_of<T: KnobValue>(_: fn(&Settings) -> &T) -> fn() -> &'static [&'static str] {
    T::words
}

macro_rules! knob {
    ($name:literal, $($field:ident).+, $explanation:literal) => {
        Knob {
            name: $name,
            explanation: $explanation,
            form: form_of(|settings| &settings.$($field).+),
            words: words_of(|settings| &settings.$($field).+),
            set: |settings, text| match KnobValue::read(text) {
                Some(value) => { settings.$($field).+ = value; true }
                None => false,
            },
            show: |settings| settings.$($field).+.show(),
        }
    };
}

fn table() -> Vec<Knob> {
    vec![
        knob!("workers", workers, "Number of workers behind the one port, each with its own memory."),
        knob!("routing", routing, "Whether each request or each connection is given to a worker."),
        knob!("policy", policy, "How the next worker is chosen."),
        knob!("seed", seed, "Makes ids, worker choice, durations and coin flips repeatable."),
        knob!("epoch", epoch, "Wall clock at service start; timestamps count on from it."),
        knob!("store", store, "The database that all workers share."),
        knob!("data-dir", data_dir, "Where the embedded store keeps its file."),
        knob!("redis-prefix", redis_prefix, "Put before every key in Redis, so that two services can share one."),
        knob!("store-handle", store_handle, "When a worker opens its handle on the shared store for scan results."),
        knob!("read-path", read_path, "Where status and results look for a scan."),
        knob!("slot", slot, "Whether scans with equal user and filters share one result slot."),
        knob!("placeholder", placeholder, "What is written into the slot before the id is handed out."),
        knob!("fallback", fallback, "What status does when it finds no entry."),
        knob!("owner-check", owner_check, "Whether a scan is shown to its owner only (class Q when off)."),
        knob!(
            "lifecycle-index-fallback",
            lifecycle_index_fallback,
            "The lifecycle answers an unknown id with the most recent scan of any user."
        ),
        knob!("stage-profile", durations.profile, "Duration of reading the user's profile."),
        knob!("stage-portfolio", durations.portfolio, "Duration of fetching the portfolio."),
        knob!("stage-assets", durations.assets, "Duration of discovering assets; the first snapshot follows."),
        knob!("strategy", durations.strategy, "Duration of each of the 14 strategies."),
        knob!("stage-finalise", durations.finalise, "Duration from the last strategy to the result."),
        knob!("strategy-budget", budget, "Time after which strategies that still run are given up."),
        knob!("strategy-concurrency", concurrency, "How many strategies run at a time (at least 1)."),
        knob!("reprime-after", reprime_after, "Age at which a forced scan without a snapshot writes a placeholder after all."),
        knob!("ttl-partial", ttl.partial, "Lifetime of a partial entry, and of a copy of one."),
        knob!("ttl-full", ttl.full, "Lifetime of a finished entry, and of a copy of one."),
        knob!("ttl-lookup", ttl.lookup, "Lifetime of lookup, index and user-latest keys."),
        knob!("ttl-active", ttl.active, "Lifetime of the flag that a scan runs for a user and filters."),
        knob!("ttl-lifecycle", ttl.lifecycle, "Lifetime of the lifecycle."),
        knob!("rate-limit", rate_limit, "Discover requests per 60 s and user before 429; 0 is no limit."),
        knob!("status-latency", status_latency, "Time added to every status answer: slow but correct."),
        knob!("running-code", running_code, "HTTP code of a status answer for a running scan."),
        knob!("crash-stage", crash_stage, "Where background tasks die."),
        knob!("crash-rate", crash_rate, "Share of scans that die at crash-stage."),
        knob!("on-crash", on_crash, "What becomes of a scan whose task died."),
        knob!(
            "lease",
            lease,
            "With guarded records in Redis: a running scan whose process shows no sign of life this long has failed; 0 is for ever."
        ),
        knob!("outage", outage, "When the shared store is unavailable."),
        knob!("registration-delay", registration_delay, "Class A: time from the POST until the scan is first recorded, in the background."),
        knob!("replica-lag", replica_lag, "Class C: status reads a replica that gets every write this much later."),
        knob!("replica-share", replica_share, "Class C': share of status reads that go to the replica, the rest to the primary."),
        knob!("quorum", quorum, "Status reads race with writes in a published three-replica quorum."),
        knob!("negative-cache-ttl", negative_cache_ttl, "Class D: a cache in front keeps not_found answers this long, by full URL."),
        knob!(
            "cache-clock",
            cache_clock,
            "Classes D and U: a cache that counts whole steps of this length, and keeps an answer until the step has ended in which its time is over; 0 is exact."
        ),
        knob!("queue-slots", queue_slots, "Class E: how many jobs may hold a slot; 0 is no queue."),
        knob!("queue-hold", queue_hold, "Class E: how long a job holds its slot."),
        knob!("queue-record", queue_record, "Class E: whether a waiting job is already recorded."),
        knob!("evict", evict, "Class F: which records are dropped early."),
        knob!("evict-after", evict_after, "Class F: age at which ttl and idle drop a record."),
        knob!("evict-keep", evict_keep, "Class F: how many finished records keep-last keeps."),
        knob!("index-period", index_period, "Class G: status reads an index that is refreshed on this lattice; 0 is none."),
        knob!("replace-gap", replace_gap, "Class H: a snapshot deletes its predecessor this long before it is inserted."),
        knob!("commit-delay", commit_delay, "Class I: time from the answer until the accepted record is committed."),
        knob!("commit-share", commit_share, "Class I: share of scans that are committed late."),
        knob!("resolve", resolve, "Class J: whether status answers with the scan asked for or the user's latest."),
        knob!(
            "remote-region-share",
            remote_region_share,
            "Class K: share of scans recorded in a region where status looks only when told by the query string."
        ),
        knob!("special-id-share", special_id_share, "Class L: share of ids that contain '/', '+' and '='."),
        knob!("path-decoding", path_decoding, "Class L: whether the front decodes paths before it routes them."),
        knob!("lost-task-rate", lost_task_rate, "Class M: share of accepted scans that are lost without a trace."),
        knob!("unknown-as-pending", unknown_as_pending, "Class N: an id that nobody knows is answered as scanning."),
        knob!(
            "hold-connection",
            hold_connection,
            "Class P: after a POST its connection is not read until the job's first phase has ended."
        ),
        knob!("affinity", affinity, "Class B: whether the front leads a client back to its worker by a cookie."),
        knob!("index-copies", index_copies, "Class C': how many copies the index has, each refreshed at instants of its own (at least 1)."),
        knob!(
            "negative-cache-key",
            negative_cache_key,
            "Class D: whether a kept not_found is for one address, or for a user without scans."
        ),
        knob!("handover-gap", handover_gap, "Class H: a record is in neither store for this long while it moves from one to the other."),
        knob!("handover-at", handover_at, "Class H: the change of state at which a record moves."),
        knob!("refused-rate", refused_rate, "Class M: share of accepted scans that are refused afterwards, as only the lifecycle says."),
        knob!("grant-lag", grant_lag, "Class R: time from the acceptance until the owner may see the scan; until then status says 403."),
        knob!("grant-share", grant_share, "Class R: share of requests that are checked against the access list that is late."),
        knob!("update-lag", update_lag, "Class S: status learns this late of a change (PATCH)."),
        knob!("delete-lag", delete_lag, "Class T: status learns this late of a deletion."),
        knob!("change-share", change_share, "Classes S and T: share of status reads that learn late of changes and deletions."),
        knob!(
            "positive-cache-ttl",
            positive_cache_ttl,
            "Class U: a cache in front keeps visible answers this long, by full URL and caller."
        ),
        knob!("result-lag", result_lag, "Class V: time from the end in status until the result can be fetched."),
        knob!("consume-on-read", consume_on_read, "Class W: the end of a scan is answered once, and then not_found."),
        knob!("detail-lag", detail_lag, "Class X: a new record has no more than its state until this much later."),
        knob!("unset-state", unset_state, "Class Y: what status says of a scan whose work has written no state yet."),
        knob!("initiate-latency", initiate_latency, "Class Z: time that a POST takes to be answered once the scan is accepted."),
        knob!("gateway-timeout", gateway_timeout, "Class Z: the front answers a POST with 504 after this time; 0 is never."),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_value_its_own_knob_accepts() {
        let mut settings = Settings::default();
        for knob in Settings::knobs() {
            settings.set(knob.name, &knob.default).unwrap_or_else(|error| panic!("{error}"));
        }
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn a_wrong_setting_says_what_was_expected_and_what_was_meant() {
        let mut settings = Settings::default();
        for (knob, value, message) in [
            ("worker", "2", "there is no knob `worker`; did you mean `workers`?"),
            ("zzzzzzzzzz", "2", "there is no knob `zzzzzzzzzz`"),
            ("placeholder", "plane", "knob `placeholder`: `plane` is not one of none, plain, unforced, guarded; did you mean `plain`?"),
            ("crash-rate", "2", "knob `crash-rate`: `2` is not a share from 0 to 1"),
            ("evict-after", "5", "knob `evict-after`: `5` is not a duration: 100ms, 2s, 1m30s"),
        ] {
            assert_eq!(settings.set(knob, value).map_err(|error| error.to_string()), Err(message.into()));
        }
    }
}
