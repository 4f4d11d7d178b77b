//! The fields of `Subscribe` and `Unsubscribe`.

use super::rejection::{Rejection, describe, quote};
use super::{Fields, Key, MAX_SEQUENCE_NUMBER};
use crate::ErrorCode::{InvalidMessage, InvalidParameter};
use crate::host::{Subscribe, Unsubscribe, Wanted};
use crate::number;
use crate::stream::{self, MAX_INTERVAL_MS, MAX_LEASE_SECS, MIN_INTERVAL_MS};
use serde_json::Value;

/// A new subscription; another lease of an old one where it names one.
pub(super) fn subscribe(fields: &Fields) -> Result<Subscribe, Rejection> {
    let id = fields.id()?;
    let lease_secs = optional(fields, Key::LeaseSecs, 1, MAX_LEASE_SECS)?.unwrap_or(MAX_LEASE_SECS);
    let wanted = match optional(fields, Key::Subscription, 1, MAX_SEQUENCE_NUMBER)? {
        Some(subscription) => Wanted::Longer { subscription },
        None => Wanted::New {
            interval_ms: whole(fields, Key::IntervalMs, MIN_INTERVAL_MS, MAX_INTERVAL_MS)?,
            fields: chosen(fields)?,
        },
    };
    Ok(Subscribe { id, wanted, lease_secs })
}

/// The end of a subscription.
pub(super) fn unsubscribe(fields: &Fields) -> Result<Unsubscribe, Rejection> {
    let id = fields.id()?;
    Ok(Unsubscribe { id, subscription: whole(fields, Key::Subscription, 1, MAX_SEQUENCE_NUMBER)? })
}

fn whole(fields: &Fields, key: Key, min: u64, max: u64) -> Result<u64, Rejection> {
    optional(fields, key, min, max)?.ok_or_else(|| {
        let error =
            format!("the field `{}` is missing; it must be an integer from {min} to {max}", key.name());
        fields.reject(InvalidMessage, key, error)
    })
}

fn optional(fields: &Fields, key: Key, min: u64, max: u64) -> Result<Option<u64>, Rejection> {
    let Some(value) = fields.get(key) else { return Ok(None) };
    let wrong = |code| {
        let error =
            format!("`{}` must be an integer from {min} to {max}, not {}", key.name(), describe(value));
        fields.reject(code, key, error)
    };
    let integer = number::integer(value).ok_or_else(|| wrong(InvalidMessage))?;
    let integer = u64::try_from(integer).ok().filter(|number| (min..=max).contains(number));
    integer.map(Some).ok_or_else(|| wrong(InvalidParameter))
}

fn chosen(fields: &Fields) -> Result<stream::Fields, Rejection> {
    let wrong = |code, error: String| Err(fields.reject(code, Key::Fields, error));
    let names = match fields.get(Key::Fields) {
        Some(Value::Array(names)) => names,
        None => {
            return wrong(InvalidMessage, "the field `fields` is missing; it must be a list of names".into());
        }
        Some(other) => {
            return wrong(
                InvalidMessage,
                format!("`fields` must be a list of names, not {}", describe(other)),
            );
        }
    };
    let mut chosen = stream::Fields::default();
    for name in names {
        let Some(text) = name.as_str() else {
            return wrong(
                InvalidMessage,
                format!("`fields` must be a list of names, not {}", describe(name)),
            );
        };
        if !chosen.add(text) {
            let known = stream::Fields::all_names().collect::<Vec<_>>().join(", ");
            return wrong(InvalidParameter, format!("`fields`: {} is not one of {known}", quote(text)));
        }
    }
    if chosen.is_empty() {
        return wrong(InvalidParameter, "`fields` must have at least one name".into());
    }
    Ok(chosen)
}
