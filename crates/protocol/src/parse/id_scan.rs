//! Fields of a line that is not JSON: a careful walk over its bytes for the strings of the outermost object.
//!
//! One pass, no memory beyond the keys. It understands just enough of JSON to know depth, strings and whether a string
//! is a key; where the line is broken before the field, or names it twice, there is none.

use crate::codec::is_blank;

/// The text that stands as `name` in the outermost object, when that key stands there once.
pub(crate) fn find(line: &[u8], name: &str) -> Option<String> {
    let mut scan = Scan { line, at: 0, depth: 0 };
    let mut found = None;
    while let Some((key, value)) = scan.next_field() {
        if text(key).is_some_and(|key| key == name) && found.replace(value).is_some() {
            return None;
        }
    }
    text(found??)
}

/// What a string in its quotes says; `None` for one that is none.
fn text(quoted: &[u8]) -> Option<String> {
    serde_json::from_slice(quoted).ok()
}

struct Scan<'a> {
    line: &'a [u8],
    at: usize,
    depth: u32,
}

impl<'a> Scan<'a> {
    /// The next key of the outermost object, in its quotes, with its value where that is a string.
    fn next_field(&mut self) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        let mut key_may_follow = false;
        while let Some(byte) = self.line.get(self.at) {
            match byte {
                b'"' => {
                    let text = self.string()?;
                    if key_may_follow && self.depth == 1 && self.colon() {
                        return Some((text, self.value_string()));
                    }
                }
                b'{' | b'[' => self.depth = self.depth.saturating_add(1),
                b'}' | b']' => self.depth = self.depth.checked_sub(1)?,
                _ => {}
            }
            if *byte != b'"' {
                self.at += 1;
            }
            key_may_follow = matches!(byte, b'{' | b',') || (key_may_follow && is_blank(*byte));
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
        while self.line.get(self.at).is_some_and(|byte| is_blank(*byte)) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(line: &str) -> Option<String> {
        find(line.as_bytes(), "id")
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
        assert_eq!(id(r#"{"id":"a","\u0069d":"b""#), None);
        assert_eq!(id(r#"{"id":"a","id":5"#), None);
        assert_eq!(id(r#"{"id":5,"id":"a""#), None);
    }

    #[test]
    fn other_fields_are_found_likewise() {
        assert_eq!(find(br#"{"type":"response","id":"#, "type").as_deref(), Some("response"));
    }
}
