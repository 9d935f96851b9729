//! A history as JSON, `statusgap.trend/1`.

use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::Trend;
use crate::report::json::{document, schema_of};

const FORM: &str = "statusgap.trend/1";

/// Several runs, in the order in which they began. Times end in `_ms` and are in milliseconds.
#[derive(Serialize, JsonSchema)]
struct TrendResult<'a> {
    /// `statusgap.trend/1`
    schema: &'static str,
    #[serde(flatten)]
    trend: &'a Trend,
}

/// The trend as JSON. Ends with a newline.
pub fn json(trend: &Trend) -> String {
    document(&TrendResult { schema: FORM, trend })
}

/// The form of what [`json`] writes.
pub fn schema() -> Schema {
    schema_of::<TrendResult<'_>>(FORM)
}
