//! Where a status answer has the job's progress.

use serde_json::Value;

use crate::draft::json::{leaves, name};
use crate::draft::states::PROGRESS_NAMES;

/// A number at a place of such a name, which never falls.
pub(super) fn of(bodies: &[Value]) -> Option<String> {
    let mut found: Option<String> = None;
    leaves(bodies.last()?, &mut |pointer, leaf| {
        let within = pointer.rsplit('/').nth(1).map(str::to_ascii_lowercase).unwrap_or_default();
        let is_named =
            PROGRESS_NAMES.contains(&name(pointer).as_str()) || PROGRESS_NAMES.contains(&within.as_str()) && name(pointer) == "value";
        if !leaf.is_number() || !is_named || found.is_some() {
            return;
        }
        let values: Vec<f64> = bodies.iter().filter_map(|body| body.pointer(pointer).and_then(Value::as_f64)).collect();
        if values.windows(2).all(|pair| pair[0] <= pair[1]) {
            found = Some(pointer.to_owned());
        }
    });
    found
}
