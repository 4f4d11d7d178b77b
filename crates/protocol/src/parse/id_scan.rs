//! The id of a line that is not JSON: a careful walk over its bytes for a top-level `"id":"…"`.
//!
//! One pass, no memory beyond the id. It understands just enough of JSON to know depth, strings and whether a string
//! is a key; where the line is broken before the id, or names two, there is none.

use serde_json::Value;

/// The line's id, when exactly one string stands as `id` in the outermost object.
pub(super) fn find(line: &[u8]) -> Option<String> {
    let mut scan = Scan { line, at: 0, depth: 0 };
    let mut found = None;
    while let Some(value) = scan.next_id() {
        if found.is_some() {
            return None;
        }
        found = Some(value);
    }
    serde_json::from_slice::<Value>(found?).ok()?.as_str().map(str::to_owned)
}

struct Scan<'a> {
    line: &'a [u8],
    at: usize,
    depth: u32,
}

impl<'a> Scan<'a> {
    /// The text, in its quotes, of the next top-level `id`.
    fn next_id(&mut self) -> Option<&'a [u8]> {
        let mut key_may_follow = false;
        while let Some(byte) = self.line.get(self.at) {
            match byte {
                b'"' => {
                    let text = self.string()?;
                    if key_may_follow && self.depth == 1 && text == b"\"id\"" && self.colon() {
                        return self.value_string().or_else(|| self.next_id());
                    }
                }
                b'{' | b'[' => self.depth = self.depth.saturating_add(1),
                b'}' | b']' => self.depth = self.depth.checked_sub(1)?,
                _ => {}
            }
            if *byte != b'"' {
                self.at += 1;
            }
            key_may_follow = matches!(byte, b'{' | b',') || (key_may_follow && byte.is_ascii_whitespace());
        }
        None
    }

    /// The string that begins here, with its quotes; the walk goes on behind it.
    fn string(&mut self) -> Option<&'a [u8]> {
        let begin = self.at;
        let mut at = begin + 1;
        loop {
            match self.line.get(at)? {
                b'"' => break,
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
        self.at = at + 1;
        self.line.get(begin..self.at)
    }

    fn colon(&mut self) -> bool {
        self.blanks();
        let is_colon = self.line.get(self.at) == Some(&b':');
        self.at += usize::from(is_colon);
        is_colon
    }

    fn value_string(&mut self) -> Option<&'a [u8]> {
        self.blanks();
        if self.line.get(self.at) == Some(&b'"') { self.string() } else { None }
    }

    fn blanks(&mut self) {
        while self.line.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(line: &str) -> Option<String> {
        find(line.as_bytes())
    }

    #[test]
    fn a_top_level_id_is_read_out_of_broken_json() {
        assert_eq!(id(r#"{"type":"SafeCommand","id":"a-1","x":}"#).as_deref(), Some("a-1"));
        assert_eq!(id(r#"{ "id" : "a\u0041\"" , "command_type":{"#).as_deref(), Some("aA\""));
        assert_eq!(id(r#"{"a":[{"id":"inner"}],"id":"outer""#).as_deref(), Some("outer"));
    }

    #[test]
    fn what_is_no_top_level_id_is_not_taken_for_one() {
        assert_eq!(id(r#"{"a":{"id":"inner"}"#), None);
        assert_eq!(id(r#"{"a":"id","b":"x""#), None);
        assert_eq!(id(r#"{"a":"\"id\":\"x\"""#), None);
        assert_eq!(id(r#"{"id":5,"x":"y""#), None);
        assert_eq!(id(r#"{"id":"torn"#), None);
        assert_eq!(id("}}}{\"id\":\"x\"}"), None);
    }

    #[test]
    fn two_ids_are_none() {
        assert_eq!(id(r#"{"id":"a","id":"b""#), None);
    }
}
