//! Names of hubs, machines and jobs as parts of the engine's subjects and keys.
//!
//! Letters, digits and `-` stay; every other byte, `_` among them, becomes `_XX` in hexadecimal. No two names become the same
//! part, and each part is that of one name.

use crate::MAX_NAME_BYTES;

/// The part of an empty name, which no other name has.
const EMPTY: &str = "_";

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

/// A name as a part.
pub fn escape(name: &str) -> String {
    if name.is_empty() {
        return EMPTY.to_owned();
    }
    let mut part = String::with_capacity(name.len());
    for byte in name.bytes() {
        if is_plain(byte) {
            part.push(char::from(byte));
        } else {
            part.push('_');
            part.extend([byte >> 4, byte & 15].into_iter().map(digit));
        }
    }
    part
}

/// The name that became this part; `None` where none does.
pub fn unescape(part: &str) -> Option<String> {
    if part == EMPTY {
        return Some(String::new());
    }
    let mut bytes = part.bytes();
    let mut name = Vec::with_capacity(part.len());
    while let Some(byte) = bytes.next() {
        name.push(match byte {
            b'_' => escaped(bytes.next()?, bytes.next()?)?,
            plain if is_plain(plain) => plain,
            _ => return None,
        });
    }
    String::from_utf8(name).ok().filter(|name| !name.is_empty())
}

/// Of one byte there is one way to write it.
fn escaped(high: u8, low: u8) -> Option<u8> {
    let byte = (value(high)? << 4) | value(low)?;
    (!is_plain(byte)).then_some(byte)
}

fn digit(value: u8) -> char {
    char::from(if value < 10 { b'0' + value } else { b'A' + value - 10 })
}

const fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Whether a hub may be called so: letters, digits, `-`, `_` and `.`, a letter or digit first, so that it is also a file's name.
pub fn is_hub(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    name.len() <= MAX_NAME_BYTES
        && name.bytes().all(plain)
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
}

/// Whether a machine may be called so.
pub fn is_vm(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_becomes_one_part_without_dots_and_stars() {
        for (name, part) in [
            ("web-017", "web-017"),
            ("host7.example", "host7_2Eexample"),
            ("a_b", "a_5Fb"),
            ("é", "_C3_A9"),
            ("", "_"),
            ("*", "_2A"),
            (">", "_3E"),
        ] {
            assert_eq!(escape(name), part);
            assert_eq!(unescape(part).as_deref(), Some(name));
        }
    }

    #[test]
    fn a_part_that_no_name_becomes_is_none() {
        for part in ["", "a.b", "_2e", "_41", "_", "a_", "_4", "_C3", "a b"] {
            assert_eq!(unescape(part), (part == "_").then(String::new), "{part}");
        }
    }

    #[test]
    fn a_hub_is_called_as_a_file_may_be() {
        assert!(is_hub("host-1.example") && is_hub("7"));
        for wrong in ["", ".", "-", "../x", "a b", "é", &"h".repeat(MAX_NAME_BYTES + 1)] {
            assert!(!is_hub(wrong), "{wrong}");
        }
        assert!(is_vm("é *") && !is_vm("") && !is_vm(&"v".repeat(MAX_NAME_BYTES + 1)));
    }

    proptest! {
        #[test]
        fn every_name_comes_back(name in ".{0,60}") {
            let part = escape(&name);
            prop_assert!(part.bytes().all(|byte| is_plain(byte) || byte == b'_'));
            prop_assert_eq!(unescape(&part), Some(name));
        }

        #[test]
        fn every_part_that_has_a_name_is_that_names(part in "[A-Za-z0-9_.-]{0,20}") {
            if let Some(name) = unescape(&part) {
                prop_assert_eq!(escape(&name), part);
            }
        }
    }
}
