//! One string of the registry, of a bounded length: the library's own reading takes whatever length a user gave it.
#![allow(unsafe_code)]

use super::wide::wide;
use windows::core::PCWSTR;
use windows_registry::{Key, Type};

/// A longer string is no name, version or path.
const MAX_BYTES: usize = 8 << 10;

/// The string; `None` where it is absent, too long or none.
pub fn bounded(key: &Key, name: &str) -> Option<String> {
    let name = wide(name);
    let mut buffer = [0; MAX_BYTES];
    // SAFETY: the name ends with a zero, and outlives the call.
    let (kind, bytes) = unsafe { key.raw_get_bytes(PCWSTR(name.as_ptr()), &mut buffer) }.ok()?;
    if !matches!(kind, Type::String | Type::ExpandString) {
        return None;
    }
    let units = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
    let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    Some(String::from_utf16_lossy(&units))
}
