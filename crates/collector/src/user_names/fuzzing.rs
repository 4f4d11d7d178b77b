//! What is fuzzed of it: both readers.

use super::{getent, record};

/// Every name that is read of `getent`'s output, or of a reply of the user database.
pub fn names(bytes: &[u8], text: &str) -> Vec<String> {
    getent::parse(text).into_values().chain(record::user_name(bytes, 63_127)).collect()
}
