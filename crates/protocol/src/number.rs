//! Numbers of JSON as integers: hosts written in languages with one kind of number send `60.0` for `60`.

use serde_json::Value;

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

/// The value as an integer: an integer of any size, or a float without a fraction (saturated at the range of `i128`).
pub fn integer(value: &Value) -> Option<i128> {
    let Value::Number(number) = value else { return None };
    if let Some(integer) = number.as_i128() {
        return Some(integer);
    }
    number.as_f64().filter(|float| float.fract() == 0.0).map(|float| float as i128)
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
}
