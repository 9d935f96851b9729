//! Presets: named settings of knobs, and nothing else.

use super::knob::{SettingsError, nearest};
use super::settings::Settings;

/// A preset as shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresetDescription {
    /// The name after `--service`.
    pub name: &'static str,
    /// One sentence on what it is.
    pub explanation: &'static str,
    /// The knobs it sets on top of `base`.
    pub knobs: &'static [(&'static str, &'static str)],
    /// The preset it starts from; empty for the defaults.
    pub base: &'static str,
}

impl Settings {
    /// The settings that a preset names.
    pub fn preset(name: &str) -> Result<Settings, SettingsError> {
        let Some(preset) = PRESETS.iter().find(|preset| preset.name == name) else {
            let nearest = nearest(name, PRESETS.iter().map(|preset| preset.name));
            return Err(SettingsError::UnknownPreset { name: name.into(), nearest });
        };
        let mut settings = if preset.base.is_empty() { Settings::default() } else { Settings::preset(preset.base)? };
        for (knob, value) in preset.knobs {
            settings.set(knob, value)?;
        }
        name.clone_into(&mut settings.preset);
        Ok(settings)
    }

    /// All presets.
    pub fn presets() -> &'static [PresetDescription] {
        PRESETS
    }
}

const fn preset(
    name: &'static str,
    explanation: &'static str,
    base: &'static str,
    knobs: &'static [(&'static str, &'static str)],
) -> PresetDescription {
    PresetDescription { name, explanation, knobs, base }
}

const PRESETS: &[PresetDescription] = &[
    preset("deferred", "The original bug: the id is handed out, the entry is created only inside the background task.", "", &[]),
    preset(
        "placeholder",
        "Option 1: a partial entry is written before the answer, in the shared slot of this worker's memory.",
        "",
        &[("placeholder", "plain")],
    ),
    preset("lifecycle-fallback", "Option 2: status falls back on the lifecycle, whoever asks.", "", &[("fallback", "lifecycle")]),
    preset(
        "shared-cache",
        "Option 3 as first built: memory first, the store behind, copies on read, a handle opened by the first POST.",
        "",
        &[("placeholder", "plain"), ("read-path", "memory-first"), ("store-handle", "first-post")],
    ),
    preset(
        "sound",
        "What should be shipped: a record per scan, acknowledged before the answer, one source of truth, monotone writes.",
        "",
        &[("slot", "per-scan"), ("placeholder", "guarded"), ("read-path", "store"), ("on-crash", "fail")],
    ),
    preset(
        "history-1",
        "The first state of the real system: everything in each worker's memory.",
        "deferred",
        &[("stage-assets", "1100ms"), ("store-handle", "first-post")],
    ),
    preset(
        "history-2",
        "The second state: results and lookups copied to a store that a worker opens with its first POST.",
        "history-1",
        &[("read-path", "memory-first")],
    ),
    preset("history-3", "The third state: a placeholder before the answer.", "history-2", &[("placeholder", "plain")]),
    preset("history-4", "The fourth state: the store's handle is opened by reads too.", "history-3", &[("store-handle", "on-read")]),
    preset(
        "slow",
        "Healthy but slow: every status answer takes 100 to 400 ms, and 202 stands for running.",
        "sound",
        &[("status-latency", "uniform(100ms,400ms)"), ("running-code", "202")],
    ),
    preset(
        "queued",
        "Healthy with a queue: a job that waits for its slot is visible as scanning.",
        "sound",
        &[("queue-slots", "1"), ("queue-record", "at-accept")],
    ),
    preset(
        "zoo-a",
        "A, delayed registration: the record is created 2 s later, in the background.",
        "sound",
        &[("registration-delay", "2s")],
    ),
    preset("zoo-b", "B, per-instance memory: four workers that share nothing.", "sound", &[("read-path", "memory"), ("workers", "4")]),
    preset("zoo-c", "C, replica lag: status reads a replica that is 400 ms late.", "sound", &[("replica-lag", "400ms")]),
    preset(
        "zoo-c-prime",
        "C', mixed reads: half of the reads go to a replica that is 400 ms late.",
        "sound",
        &[("replica-lag", "400ms"), ("replica-share", "0.5")],
    ),
    preset(
        "zoo-d",
        "D, negative cache: not_found is kept for 5 s over a registration that takes 60 ms.",
        "sound",
        &[("negative-cache-ttl", "5s"), ("registration-delay", "60ms")],
    ),
    preset(
        "zoo-e",
        "E, enqueue to start: one slot, 300 ms a job, recorded when it starts.",
        "sound",
        &[("queue-slots", "1"), ("queue-hold", "300ms")],
    ),
    preset("zoo-f", "F, early eviction: a result is gone 1 s after completion.", "sound", &[("evict", "ttl"), ("evict-after", "1s")]),
    preset("zoo-g", "G, index refresh: a scan is visible from the next tick of a 1 s lattice.", "sound", &[("index-period", "1s")]),
    preset("zoo-h", "H, a hole in mid-life: every snapshot is deleted 25 ms before it is inserted.", "sound", &[("replace-gap", "25ms")]),
    preset(
        "zoo-i",
        "I, commit after the answer: half of the records are committed 1 to 5 ms late.",
        "sound",
        &[("commit-delay", "uniform(1ms,5ms)"), ("commit-share", "0.5")],
    ),
    preset("zoo-j", "J, wrong job: status answers with the user's latest scan.", "sound", &[("resolve", "latest")]),
    preset("zoo-k", "K, scope: scans are recorded in a region that only poll_url names.", "sound", &[("remote-region-share", "1")]),
    preset(
        "zoo-l",
        "L, id encoding: half of the ids contain characters that the front decodes too early.",
        "sound",
        &[("special-id-share", "0.5"), ("path-decoding", "eager")],
    ),
    preset("zoo-m", "M, lost job: a fifth of the accepted scans are lost.", "sound", &[("lost-task-rate", "0.2")]),
    preset("zoo-n", "N, unknown masked as pending.", "sound", &[("unknown-as-pending", "on")]),
    preset(
        "zoo-o",
        "O, stale fallback: a result lives 1 s, then status falls back on the lifecycle and says scanning.",
        "sound",
        &[("ttl-full", "1s"), ("fallback", "lifecycle-owner")],
    ),
    preset(
        "zoo-p",
        "P, held response: the POST's connection is held over a registration that takes 2 s.",
        "sound",
        &[("hold-connection", "on"), ("registration-delay", "2s")],
    ),
    preset("zoo-q", "Q, foreign disclosure: nobody checks who asks.", "sound", &[("owner-check", "off")]),
    preset("zoo-r", "R, grant lag: the owner may see a scan 400 ms after it was accepted.", "sound", &[("grant-lag", "400ms")]),
    preset("zoo-s", "S, stale update: status shows a change 600 ms late.", "sound", &[("update-lag", "600ms")]),
    preset("zoo-t", "T, late deletion: a deleted scan is answered for 600 ms.", "sound", &[("delete-lag", "600ms")]),
    preset("zoo-u", "U, positive cache: what was seen first is kept for 5 s.", "sound", &[("positive-cache-ttl", "5s")]),
    preset("zoo-v", "V, end before result: the result can be fetched 800 ms after the end.", "sound", &[("result-lag", "800ms")]),
    preset("zoo-w", "W, a read that changes the record: the end is answered once only.", "sound", &[("consume-on-read", "on")]),
    preset("zoo-x", "X, half a record: all but the state is written 500 ms later.", "sound", &[("detail-lag", "500ms")]),
    preset("zoo-y", "Y, a default read as an end: a scan without a state is called complete.", "sound", &[("unset-state", "complete")]),
    preset(
        "zoo-z",
        "Z, accepted and told as failed: a POST may take longer than the front waits for it.",
        "sound",
        &[("initiate-latency", "exp(150ms)"), ("gateway-timeout", "300ms")],
    ),
    preset(
        "zoo-b-cookie",
        "B behind a balancer with a cookie: four workers that share nothing, and clients without a jar.",
        "zoo-b",
        &[("affinity", "cookie"), ("routing", "per-request"), ("policy", "random")],
    ),
    preset(
        "zoo-c-prime-timers",
        "C', a timer for each replica: reads go to one of 3 copies, each refreshed every second at an instant of its own.",
        "sound",
        &[("index-period", "1s"), ("index-copies", "3")],
    ),
    preset(
        "zoo-d-before",
        "D, filled before: that a user has no scan is kept for 5 s, also if they asked before they had one.",
        "sound",
        &[("negative-cache-ttl", "5s"), ("negative-cache-key", "user")],
    ),
    preset(
        "zoo-h-handover",
        "H, a handover: at its end a record is in neither of two stores for 300 ms.",
        "sound",
        &[("handover-gap", "300ms")],
    ),
    preset(
        "zoo-m-refused",
        "M, refused after acceptance: of a fifth of the scans only the lifecycle says so.",
        "sound",
        &[("refused-rate", "0.2")],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_opens_into_settings_that_carry_its_name() {
        for preset in Settings::presets() {
            let settings = Settings::preset(preset.name).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(settings.preset, preset.name);
        }
    }

    #[test]
    fn a_misspelt_preset_is_refused_with_the_right_name() {
        let error = Settings::preset("defered").map_err(|error| error.to_string());
        assert_eq!(error, Err("there is no preset `defered`; did you mean `deferred`?".into()));
    }
}
