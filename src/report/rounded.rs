//! Numbers as JSON has them: rounded, so that equal logs give equal bytes; `null` if they are not finite.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// A number that was rounded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rounded(f64);

impl Rounded {
    /// Milliseconds to a tenth of a microsecond: finer than any clock here, coarse enough to be the same text everywhere.
    pub(super) fn ms(value: f64) -> Rounded {
        // Minus zero is zero to every reader but a text comparison.
        Rounded((value * 1e4).round() / 1e4 + 0.0)
    }

    /// Six significant digits.
    pub(super) fn significant(value: f64) -> Rounded {
        Rounded(format!("{value:.5e}").parse().map_or(f64::NAN, |rounded: f64| rounded + 0.0))
    }
}

impl Serialize for Rounded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // JSON has no other numbers; the serialiser makes `null` of them.
        serializer.serialize_f64(self.0)
    }
}

impl JsonSchema for Rounded {
    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number" })
    }
}

/// A number, or none.
pub(super) trait Number: Copy {
    type Rounded: Serialize;

    fn rounded(self, round: fn(f64) -> Rounded) -> Self::Rounded;
}

impl Number for f64 {
    type Rounded = Rounded;

    fn rounded(self, round: fn(f64) -> Rounded) -> Rounded {
        round(self)
    }
}

impl Number for Option<f64> {
    type Rounded = Option<Rounded>;

    fn rounded(self, round: fn(f64) -> Rounded) -> Option<Rounded> {
        self.map(round)
    }
}

/// Writes milliseconds, for serde's `serialize_with`.
pub(super) fn ms<N: Number, S: Serializer>(value: &N, serializer: S) -> Result<S::Ok, S::Error> {
    value.rounded(Rounded::ms).serialize(serializer)
}

/// Writes a share, or another number without a unit.
pub(super) fn significant<N: Number, S: Serializer>(value: &N, serializer: S) -> Result<S::Ok, S::Error> {
    value.rounded(Rounded::significant).serialize(serializer)
}

/// Whether a count is left out rather than written as nought.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
pub(super) fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_so_that_equal_logs_give_equal_bytes() {
        let text = |number: Rounded| serde_json::to_string(&number).expect("a number");
        assert_eq!(text(Rounded::ms(1_998.200_049_999)), "1998.2");
        assert_eq!(text(Rounded::significant(0.928_865_123)), "0.928865");
        assert_eq!(text(Rounded::significant(-0.0)), "0.0");
        assert_eq!(text(Rounded::ms(f64::INFINITY)), "null");
    }
}
