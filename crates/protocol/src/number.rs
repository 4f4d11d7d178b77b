//! Numbers of JSON: integers, for hosts written in languages with one kind of number send `60.0` for `60`; and serialisers for
//! floats: never NaN, infinite or negative, and no digits that mean nothing.

use serde::{Serialize, Serializer};
use serde_json::Value;
use std::time::Duration;

/// The largest integer that every JSON reader holds exactly: 2^53 - 1. No larger one leaves the guest.
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// The largest value of pids and counts: 31 bits.
pub const MAX_COUNT: u32 = i32::MAX.unsigned_abs();

/// A byte or packet counter within 53 bits.
pub fn counter(value: u64) -> u64 {
    value.min(MAX_SAFE_INTEGER)
}

/// A count within 31 bits.
pub fn count(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(MAX_COUNT).min(MAX_COUNT)
}

/// Whole milliseconds.
pub fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The value as an integer: an integer of any size, or a float without a fraction (saturated at the range of `i128`).
pub fn integer(value: &Value) -> Option<i128> {
    let Value::Number(number) = value else { return None };
    if let Some(integer) = number.as_i128() {
        return Some(integer);
    }
    number.as_f64().filter(|float| float.fract() == 0.0).map(|float| float as i128)
}

/// A figure with three decimals; what is not a number, or below zero, is 0.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
pub fn figure<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    round(*value, 1e3).serialize(serializer)
}

/// A list of such figures.
pub fn figures<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(|value| round(*value, 1e3)))
}

/// Gigabytes with six decimals, which are kilobytes.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
pub fn gigabytes<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    round(*value, 1e6).serialize(serializer)
}

/// A figure that may be missing; what is not a number, or below zero, is `null`.
#[allow(clippy::ref_option, reason = "serde passes fields by reference")]
pub fn optional<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    value
        .filter(|value| value.is_finite() && *value >= 0.0)
        .map(|value| round(value, 1e3))
        .serialize(serializer)
}

fn round(value: f64, scale: f64) -> f64 {
    if !value.is_finite() || value <= 0.0 {
        return 0.0;
    }
    let rounded = (value * scale).round() / scale;
    if rounded.is_finite() { rounded } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn integers_may_be_written_as_floats_without_a_fraction() {
        assert_eq!(integer(&json!(60)), Some(60));
        assert_eq!(integer(&json!(-60.0)), Some(-60));
        assert_eq!(integer(&json!(u64::MAX)), Some(i128::from(u64::MAX)));
        assert_eq!(integer(&json!(1e308)), Some(i128::MAX));
        for not in [json!(0.5), json!("60"), json!(null), json!([60])] {
            assert_eq!(integer(&not), None, "{not}");
        }
    }

    #[test]
    fn figures_are_rounded_and_never_out_of_range() {
        assert_eq!(round(12.345_678, 1e3).to_string(), "12.346");
        for zero in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, -5.0] {
            assert_eq!(round(zero, 1e3).to_bits(), 0);
        }
        assert_eq!(round(f64::MAX, 1e3).to_bits(), f64::MAX.to_bits());
    }
}
