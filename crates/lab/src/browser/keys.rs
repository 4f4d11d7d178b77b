//! Keys as the browser's protocol names them.

use anyhow::{Result, bail};
use serde_json::{Value, json};

/// Keys that write nothing: name and code on a keyboard.
const NAMED: [(&str, u32); 12] = [
    ("Tab", 9),
    ("Enter", 13),
    ("Escape", 27),
    (" ", 32),
    ("PageUp", 33),
    ("PageDown", 34),
    ("End", 35),
    ("Home", 36),
    ("ArrowLeft", 37),
    ("ArrowUp", 38),
    ("ArrowRight", 39),
    ("ArrowDown", 40),
];

/// Going down and up again.
pub(super) fn events(key: &str) -> Result<[Value; 2]> {
    let (code, text) = match NAMED.iter().find(|(name, _)| *name == key) {
        // A button is pressed by what Enter writes.
        Some(("Enter", code)) => (*code, "\r"),
        Some((" ", code)) => (*code, " "),
        Some((_, code)) => (*code, ""),
        None if key.chars().count() == 1 => (0, key),
        None => bail!("there is no key {key:?}"),
    };
    let down = if text.is_empty() { "rawKeyDown" } else { "keyDown" };
    let event = |kind: &str, text: &str| json!({ "type": kind, "key": key, "text": text, "windowsVirtualKeyCode": code });
    Ok([event(down, text), event("keyUp", "")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_written_and_an_arrow_is_not() {
        assert_eq!(events("/").unwrap()[0]["text"], "/");
        assert_eq!(events("ArrowDown").unwrap()[0]["type"], "rawKeyDown");
        assert!(events("Elsewhere").is_err());
    }
}
