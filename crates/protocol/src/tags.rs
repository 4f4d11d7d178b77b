//! Tags of a machine, such as `env=prod`: what a name and a value may be, and how many there are at most.
//!
//! Who writes them is told what is wrong. Of what others send the first that are valid are kept, and the rest is dropped.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Tags that one may give to a machine.
pub const MAX_TAGS: usize = 32;
/// Longest name.
pub const MAX_NAME_BYTES: usize = 64;
/// Longest value.
pub const MAX_VALUE_BYTES: usize = 128;
/// What a name may be, for people.
pub const NAMES: &str = "1 to 64 letters of ASCII, digits, \"_\", \".\" and \"-\", a letter first";
/// What a value may be, for people.
pub const VALUES: &str = "1 to 128 bytes without control characters";
/// Characters of what is wrong that are told.
const TOLD_CHARS: usize = 80;

/// Valid tags, each name once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tags(BTreeMap<String, String>);

/// What is wrong with tags, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// No `=`.
    #[error("{0} is not NAME=VALUE")]
    NotAPair(String),
    /// The name.
    #[error("{0} is not the name of a tag: that is {names}", names = NAMES)]
    Name(String),
    /// The value.
    #[error("the tag {name} must have a value of {values}, not {value}", values = VALUES)]
    Value {
        /// The tag.
        name: String,
        /// Its value.
        value: String,
    },
    /// A name twice.
    #[error("the tag {0} is there twice")]
    Twice(String),
    /// Too many.
    #[error("there are more than {most} tags, and no more are allowed", most = MAX_TAGS)]
    TooMany,
}

/// Whether a tag may be called so.
pub fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME_BYTES
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(is_of_name)
}

/// Whether a letter may stand in a name.
pub const fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-')
}

fn is_value(value: &str) -> bool {
    (1..=MAX_VALUE_BYTES).contains(&value.len()) && !value.contains(char::is_control)
}

impl Tags {
    /// Reads `NAME=VALUE` texts.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, TagError> {
        let mut tags = Self::default();
        for text in texts {
            let (name, value) = text.split_once('=').ok_or_else(|| TagError::NotAPair(told(text)))?;
            tags.add(name, value)?;
        }
        Ok(tags)
    }

    /// Adds one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn add(&mut self, name: &str, value: &str) -> Result<(), TagError> {
        if !is_name(name) {
            return Err(TagError::Name(told(name)));
        }
        if !is_value(value) {
            return Err(TagError::Value { name: name.to_owned(), value: told(value) });
        }
        if self.0.contains_key(name) {
            return Err(TagError::Twice(name.to_owned()));
        }
        if self.0.len() >= MAX_TAGS {
            return Err(TagError::TooMany);
        }
        self.0.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// Puts others over these: of one name the other value stays. There is room for all names of both.
    ///
    /// # Errors
    /// Where there is not.
    pub fn put_over(&mut self, others: &Self) -> Result<(), TagError> {
        for (name, value) in others.iter() {
            self.0.remove(name);
            self.add(name, value)?;
        }
        Ok(())
    }

    /// The value of one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The beginning of a text, in quotation marks and with its control characters escaped.
fn told(text: &str) -> String {
    let start: String = text.chars().take(TOLD_CHARS).collect();
    if start.len() == text.len() {
        format!("{text:?}")
    } else {
        format!("{start:?}… ({} bytes)", text.len())
    }
}

impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.0)
    }
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Kept)
    }
}

/// Reads what others have written.
struct Kept;

impl<'de> Visitor<'de> for Kept {
    type Value = Tags;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tags, A::Error> {
        let mut tags = Tags::default();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if let Some(value) = value.as_str() {
                let _kept_or_dropped = tags.add(&name, value);
            }
        }
        Ok(tags)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Tags {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Tags".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "additionalProperties": { "type": "string", "minLength": 1, "maxLength": MAX_VALUE_BYTES },
            "maxProperties": MAX_TAGS,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn why(texts: &[&str]) -> String {
        Tags::parse(texts.iter().copied()).unwrap_err().to_string()
    }

    fn numbered(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("t{n}=x")).collect()
    }

    #[test]
    fn a_name_goes_to_the_first_equals_sign_and_the_value_may_have_more() {
        let tags = Tags::parse(["env=prod", "note=a=b, c é", "A.b_c-1=x"]).unwrap();
        assert_eq!((tags.get("env"), tags.get("note")), (Some("prod"), Some("a=b, c é")));
        assert_eq!(tags.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["A.b_c-1", "env", "note"]);
        assert!(tags.get("Env").is_none() && Tags::parse([]).unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_told_with_what_is_allowed() {
        let (long_name, long_value) = ("n".repeat(65), "é".repeat(65));
        for (text, told) in [
            ("env", "\"env\" is not NAME=VALUE"),
            ("=x", "\"\" is not the name of a tag: that is 1 to 64 letters"),
            ("1a=x", "\"1a\" is not the name of a tag"),
            (".a=x", "a letter first"),
            ("a b=x", "\"a b\""),
            ("é=x", "\"é\""),
            ("a\n=x", "\"a\\n\""),
            (&format!("{long_name}=x"), "is not the name of a tag"),
            ("env=", "the tag env must have a value of 1 to 128 bytes without control characters, not \"\""),
            ("env=a\u{1b}b", "not \"a\\u{1b}b\""),
            (&format!("env={long_value}"), "the tag env must have a value of 1 to 128 bytes"),
        ] {
            assert!(why(&[text]).contains(told), "{text}: {}", why(&[text]));
        }
        assert_eq!(why(&["a=1", "b=2", "a=3"]), "the tag a is there twice");
        assert!(why(&[&"x".repeat(1 << 20)]).len() < 200);
    }

    #[test]
    fn thirty_two_tags_of_the_longest_kind_are_allowed_and_no_more() {
        let long = format!("{}={}", "n".repeat(64), "é".repeat(64));
        assert!(Tags::parse([long.as_str()]).is_ok());
        let all = numbered(MAX_TAGS + 1);
        assert!(Tags::parse(all.iter().take(MAX_TAGS).map(String::as_str)).is_ok());
        let wrong = Tags::parse(all.iter().map(String::as_str)).unwrap_err();
        assert_eq!(wrong.to_string(), "there are more than 32 tags, and no more are allowed");
    }

    #[test]
    fn those_that_are_put_over_win_and_all_names_together_have_the_bound() {
        let mut tags = Tags::parse(["env=test", "tier=web"]).unwrap();
        tags.put_over(&Tags::parse(["env=prod"]).unwrap()).unwrap();
        assert_eq!(tags, Tags::parse(["env=prod", "tier=web"]).unwrap());
        let many = numbered(MAX_TAGS);
        let many = Tags::parse(many.iter().map(String::as_str)).unwrap();
        assert_eq!(tags.put_over(&many), Err(TagError::TooMany));
        assert_eq!(many.clone().put_over(&many), Ok(()));
    }

    #[test]
    fn of_what_others_send_the_valid_ones_are_kept_and_the_rest_is_dropped() {
        let sent = r#"{"env":"prod","env":"again","a\u001b":"x","":"x","n":7,"l":["x"],"o":{"x":"y"},"z":null,
            "empty":"","evil":"a\u0007b","_x":"1","ok":"é"}"#;
        let tags: Tags = serde_json::from_str(sent).unwrap();
        assert_eq!(tags, Tags::parse(["env=prod", "ok=é"]).unwrap());
        assert!(serde_json::from_str::<Tags>("[]").is_err());
    }

    #[test]
    fn of_tags_without_end_thirty_two_are_kept() {
        let all: Vec<_> = (0..100_000).map(|n| format!("\"t{n}\":\"x\"")).collect();
        let tags: Tags = serde_json::from_str(&format!("{{{}}}", all.join(","))).unwrap();
        assert_eq!((tags.iter().count(), tags.get("t31")), (MAX_TAGS, Some("x")));
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_a_tag_or_an_error_on_one_line(text in any::<String>()) {
            match Tags::parse([text.as_str()]) {
                Ok(tags) => {
                    let (name, value) = tags.iter().next().unwrap();
                    prop_assert_eq!(format!("{name}={value}"), text);
                }
                Err(wrong) => {
                    let told = wrong.to_string();
                    prop_assert!(!told.contains(char::is_control) && told.len() < 2_000, "{}", told);
                }
            }
        }

        #[test]
        fn whatever_is_sent_what_is_kept_is_valid_and_is_sent_as_it_was(
            sent in proptest::collection::btree_map(any::<String>(), any::<String>(), 0..60)
        ) {
            let kept: Tags = serde_json::from_str(&serde_json::to_string(&sent).unwrap()).unwrap();
            let written: Vec<_> = kept.iter().map(|(name, value)| format!("{name}={value}")).collect();
            prop_assert_eq!(&Tags::parse(written.iter().map(String::as_str)).unwrap(), &kept);
            let valid = sent.iter().filter(|(name, value)| is_name(name) && is_value(value));
            prop_assert_eq!(kept.iter().count(), valid.count().min(MAX_TAGS));
            let again: Tags = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
            prop_assert_eq!(again, kept);
        }
    }
}
