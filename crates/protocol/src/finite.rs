//! Serialisers for floats: never NaN, infinite or negative, and no digits that mean nothing.

use serde::{Serialize, Serializer};

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

    #[test]
    fn figures_are_rounded_and_never_out_of_range() {
        assert_eq!(round(12.345_678, 1e3).to_string(), "12.346");
        for zero in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, -5.0] {
            assert_eq!(round(zero, 1e3).to_bits(), 0);
        }
        assert_eq!(round(f64::MAX, 1e3).to_bits(), f64::MAX.to_bits());
    }
}
