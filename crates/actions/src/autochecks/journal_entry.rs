//! An entry of journalctl's JSON (`journalctl(1)`, `--output=json`), in memory of its own length: whoever logs decides how
//! long a message is, and one that is no UTF-8 comes as a list of numbers.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// When the entry was logged, in microseconds since 1970.
const TIME: &str = "__REALTIME_TIMESTAMP";

/// Its fields by their names.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct JournalEntry(BTreeMap<String, Field>);

impl JournalEntry {
    /// Reads a line; other lines than entries are none.
    pub(crate) fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// When it was logged, in microseconds since 1970, where that is told.
    pub(crate) fn micros(&self) -> Option<u64> {
        self.text(TIME)?.parse().ok()
    }

    /// A field's text; bytes that are no UTF-8 become U+FFFD. Of a field that stands there twice, the first.
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.0.get(field)?.0.as_deref()
    }
}

/// A field's text: a text; a list of bytes where it is no valid UTF-8; a list of texts where the field stands there twice.
#[derive(Debug)]
struct Field(Option<String>);

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(FieldVisitor).map(Self)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Option<String>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a journal field")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Some(text))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut bytes = Vec::new();
        let mut first = None;
        while let Some(item) = list.next_element::<Item>()? {
            match item {
                Item::Byte(byte) => bytes.push(byte),
                Item::Text(text) if first.is_none() && bytes.is_empty() => first = Some(text),
                Item::Text(_) | Item::Other(_) => {}
            }
        }
        Ok(first.or_else(|| Some(String::from_utf8_lossy(&bytes).into_owned())))
    }
}

/// One of a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Item {
    Byte(u8),
    Text(String),
    Other(IgnoredAny),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(value: &str) -> Option<String> {
        JournalEntry::read(&format!(r#"{{"MESSAGE":{value}}}"#))?.text("MESSAGE").map(str::to_owned)
    }

    #[test]
    fn a_field_is_a_text_bytes_or_the_first_of_several_texts() {
        assert_eq!(message(r#""caf\u00e9""#).as_deref(), Some("caf\u{e9}"));
        assert_eq!(message("[104,105,27,255]").as_deref(), Some("hi\u{1b}\u{fffd}"));
        assert_eq!(message(r#"["one","two"]"#).as_deref(), Some("one"));
        assert_eq!(message("[]").as_deref(), Some(""));
        for none in ["null", "7", "-7", "0.5", "true", r#"{"a":[1]}"#] {
            assert_eq!(message(none), None, "{none}");
        }
    }

    #[test]
    fn the_time_is_told_where_it_is_a_number() {
        let micros = |line: &str| JournalEntry::read(line).and_then(|entry| entry.micros());
        assert_eq!(micros(r#"{"__REALTIME_TIMESTAMP":"1700000000000001"}"#), Some(1_700_000_000_000_001));
        assert_eq!(micros(r#"{"__REALTIME_TIMESTAMP":"x"}"#), None);
        assert_eq!(micros("[]"), None);
    }

    #[test]
    fn a_message_of_a_million_bytes_is_read() {
        let list = vec!["255"; 1 << 20].join(",");
        let entry = JournalEntry::read(&format!(r#"{{"MESSAGE":[{list}]}}"#)).unwrap();
        // Each becomes U+FFFD, three bytes.
        assert_eq!(entry.text("MESSAGE").map(str::len), Some(3 << 20));
    }
}
