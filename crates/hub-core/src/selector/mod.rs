//! Which machines are meant: `os=debian,load5>4,name~^web-`.
//!
//! A selector is parts with commas between them, all of which must hold. What is not known of a machine is not compared: a
//! machine whose system nobody knows matches neither `os=debian` nor `os!=debian`. So a job never runs where somebody only
//! failed to look. `os=` matches where it is not known, `os!=` where it is. `tag.env=prod` asks for a tag.

mod key;
mod parse;
#[cfg(test)]
mod tests;
mod value;

pub use key::{KEYS, Key, Kind, TAG};
pub use parse::{MAX_PARTS, MAX_SELECTOR_BYTES, Wrong};
pub use value::Found;

use crate::fleet::{Entry, Fleet};
use infiniservice_protocol::clock::Now;
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use value::Wanted;

/// Selects every machine. An empty selector selects none: it is an error.
pub const ALL: &str = "all";

/// Which machines are meant.
#[derive(Clone, Debug)]
pub struct Selector {
    text: String,
    parts: Vec<Part>,
    /// Whether a guest's own tags count for nothing.
    by_the_host: bool,
}

/// One comparison.
#[derive(Clone, Debug)]
struct Part {
    key: &'static Key,
    /// The key's name as it was written: `tag.env`.
    name: Cow<'static, str>,
    operator: Operator,
    wanted: Wanted,
}

/// How a machine's value is compared with that of the part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Is,
    IsNot,
    Like,
    NotLike,
    Less,
    AtMost,
    AtLeast,
    More,
}

impl Operator {
    /// The longer ones first, as they are looked for.
    const ALL: [Self; 8] = [
        Self::IsNot,
        Self::NotLike,
        Self::AtMost,
        Self::AtLeast,
        Self::Is,
        Self::Like,
        Self::Less,
        Self::More,
    ];

    const fn text(self) -> &'static str {
        match self {
            Self::Is => "=",
            Self::IsNot => "!=",
            Self::Like => "~",
            Self::NotLike => "!~",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::AtLeast => ">=",
            Self::More => ">",
        }
    }

    const fn is_order(self) -> bool {
        matches!(self, Self::Less | Self::AtMost | Self::AtLeast | Self::More)
    }

    const fn is_pattern(self) -> bool {
        matches!(self, Self::Like | Self::NotLike)
    }
}

impl Selector {
    /// Whether a machine is meant.
    pub fn matches(&self, name: &str, entry: &Entry, now: Now) -> bool {
        self.parts.iter().all(|part| part.compares(part.found(name, entry, now, self.by_the_host)))
    }

    /// The same, but of tags only those that the host gives count.
    #[must_use]
    pub fn by_the_host(self) -> Self {
        Self { by_the_host: true, ..self }
    }

    /// The same for a machine of which only the values of some keys are known, by the keys' names.
    pub fn holds<'a>(&self, known: &dyn Fn(&str) -> Found<'a>) -> bool {
        self.parts.iter().all(|part| part.compares(known(&part.name)))
    }

    /// The keys that it asks for.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|part| &*part.name)
    }

    /// The names of the machines that are meant, in order.
    pub fn select<'a>(&'a self, fleet: &'a Fleet, now: Now) -> impl Iterator<Item = &'a Arc<str>> + 'a {
        fleet.iter().filter(move |(name, entry)| self.matches(name, entry, now)).map(|(name, _)| name)
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Part {
    fn found<'a>(&self, name: &'a str, entry: &'a Entry, now: Now, by_the_host: bool) -> Found<'a> {
        let Some(tag) = self.name.strip_prefix(TAG) else { return (self.key.read)(name, entry, now) };
        let value = if by_the_host { entry.tags.get(tag) } else { entry.tag(tag) };
        Found::text(value.unwrap_or_default())
    }

    fn compares(&self, found: Found<'_>) -> bool {
        match (&self.wanted, self.operator) {
            (Wanted::Nothing, Operator::Is) => found.is_unknown(),
            (Wanted::Nothing, _) => !found.is_unknown(),
            (wanted, operator) => found.compares(operator, wanted),
        }
    }
}

impl FromStr for Selector {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        Ok(Self { text: text.to_owned(), parts: parse::parts(text)?, by_the_host: false })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
