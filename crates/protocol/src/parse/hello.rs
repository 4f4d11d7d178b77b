//! The fields of `Hello`.

use super::rejection::{Rejection, describe};
use super::{Fields, Key};
use crate::ErrorCode::{InvalidMessage, InvalidParameter};
use crate::HostMessage;
use crate::compression::Codec;
use serde_json::Value;

/// Longest `accept`.
const MAX_ACCEPTED: usize = 16;

/// Who asks, and what he reads beyond plain lines.
pub(super) fn read(fields: &Fields) -> Result<HostMessage, Rejection> {
    Ok(HostMessage::Hello { id: fields.optional_id()?, accept: accepted(fields)? })
}

/// What of it this version knows: a newer host may name more.
fn accepted(fields: &Fields) -> Result<Vec<Codec>, Rejection> {
    let wrong = |code, got: &str| {
        let error = format!(
            "`accept` must be a list of at most {MAX_ACCEPTED} names of compressions, such as [\"lz4\"], not {got}"
        );
        fields.reject(code, Key::Accept, error)
    };
    let names = match fields.get(Key::Accept) {
        None => return Ok(Vec::new()),
        Some(Value::Array(names)) => names,
        Some(other) => return Err(wrong(InvalidMessage, &describe(other))),
    };
    if names.len() > MAX_ACCEPTED {
        return Err(wrong(InvalidParameter, &format!("one of {}", names.len())));
    }
    let mut accepted = Vec::new();
    for name in names {
        let name =
            name.as_str().ok_or_else(|| wrong(InvalidMessage, &format!("{} in it", describe(name))))?;
        accepted.extend(Codec::from_name(name).filter(|codec| !accepted.contains(codec)));
    }
    Ok(accepted)
}
