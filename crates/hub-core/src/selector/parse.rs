//! Reads a selector, and says what is wrong with one.

use super::key::{KEYS, Key, Kind, TAG};
use super::value::{Wanted, numbers};
use super::{ALL, Operator, Part};
use crate::session::State;
use infiniservice_protocol::tags;
use regex_lite::RegexBuilder;
use std::borrow::Cow;
use std::fmt;

/// Longest selector, in bytes.
pub const MAX_SELECTOR_BYTES: usize = 4096;
/// Most parts of one.
pub const MAX_PARTS: usize = 32;
/// Longest regular expression, in bytes.
const MAX_PATTERN_BYTES: usize = 256;
/// Memory of a compiled one.
const MAX_PATTERN_MEMORY: usize = 64 << 10;
/// Parentheses within parentheses of one.
const MAX_PATTERN_DEPTH: u32 = 16;
/// So much of a wrong part is told, in bytes.
const MAX_TOLD_BYTES: usize = 100;

/// What is wrong with a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The part.
    pub part: String,
    /// What is wrong with it, and what is allowed.
    pub why: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` in the selector: {}", self.part, self.why)
    }
}

impl std::error::Error for Wrong {}

/// All parts.
pub(super) fn parts(text: &str) -> Result<Vec<Part>, Wrong> {
    let whole = |why| Err(wrong(text, why));
    if text.len() > MAX_SELECTOR_BYTES {
        return whole(format!("it is {} bytes long; {MAX_SELECTOR_BYTES} are allowed", text.len()));
    }
    if text.trim() == ALL {
        return Ok(Vec::new());
    }
    if text.trim().is_empty() {
        return whole(format!("it is empty; `{ALL}` selects every machine"));
    }
    let parts = split(text)?;
    if parts.len() > MAX_PARTS {
        return whole(format!("it has {} parts; {MAX_PARTS} are allowed", parts.len()));
    }
    parts.into_iter().map(|text| part(text.trim())).collect()
}

/// Splits at the commas that are not in quotation marks.
fn split(text: &str) -> Result<Vec<&str>, Wrong> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text
        .split(|letter| {
            let is_escaped = escaped;
            escaped = quoted && letter == '\\' && !is_escaped;
            quoted ^= letter == '"' && !is_escaped;
            letter == ',' && !quoted
        })
        .collect();
    if quoted { Err(wrong(text, "a quotation mark is not closed".to_owned())) } else { Ok(parts) }
}

fn part(text: &str) -> Result<Part, Wrong> {
    let because = |why| wrong(text, why);
    let (key, name, rest) = key(text).map_err(because)?;
    let rest = rest.trim_start();
    let operator = Operator::ALL.into_iter().find(|operator| rest.starts_with(operator.text()));
    let operator = operator.filter(|operator| key.allows(*operator));
    let operator = operator.ok_or_else(|| because(no_operator(key, &name)))?;
    let value = rest.get(operator.text().len()..).unwrap_or_default().trim();
    let value =
        unquoted(value).ok_or_else(|| because("after the quotation mark nothing may follow".into()))?;
    let wanted = wanted(key, operator, &value).map_err(because)?;
    Ok(Part { key, name, operator, wanted })
}

/// The key that a part begins with, its name, and what follows it.
fn key(text: &str) -> Result<(&'static Key, Cow<'static, str>, &str), String> {
    if let (Some(rest), Some(key)) = (text.strip_prefix(TAG), Key::of_tags()) {
        let (name, rest) = split_where(rest, |letter| !tags::is_of_name(letter));
        if !tags::is_name(name) {
            return Err(format!("after `{TAG}` comes a tag's name: {}", tags::NAMES));
        }
        return Ok((key, format!("{TAG}{name}").into(), rest));
    }
    let (name, rest) = split_where(text, |letter| !(letter.is_ascii_alphanumeric() || letter == '_'));
    let key = KEYS.iter().find(|key| key.name == name).ok_or_else(|| no_key(name))?;
    Ok((key, key.name.into(), rest))
}

fn split_where(text: &str, is_end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at_checked(text.find(is_end).unwrap_or(text.len())).unwrap_or_default()
}

impl Key {
    /// Whether its values can be compared so.
    pub(super) const fn allows(&self, operator: Operator) -> bool {
        match self.kind {
            Kind::Text | Kind::Product => !operator.is_order(),
            Kind::Version => true,
            Kind::State => matches!(operator, Operator::Is | Operator::IsNot),
            Kind::Percent | Kind::Number | Kind::Age => !operator.is_pattern(),
        }
    }

    /// In words, how its values can be compared.
    pub(crate) const fn operators(&self) -> &'static str {
        match self.kind {
            Kind::Text | Kind::Product => "=, !=, ~ and !~",
            Kind::Version => "=, !=, <, <=, >, >=, ~ and !~",
            Kind::State => "= and !=",
            Kind::Percent | Kind::Number | Kind::Age => "=, !=, <, <=, > and >=",
        }
    }
}

fn no_key(name: &str) -> String {
    let names: Vec<_> = KEYS.iter().map(|key| key.name).collect();
    let names = names.join(", ");
    if name.is_empty() {
        return format!("a part begins with one of {names}");
    }
    format!("there is no key `{}`; there are {names}", cut(name))
}

fn no_operator(key: &Key, name: &str) -> String {
    format!("after `{name}` comes one of {}", key.operators())
}

/// A value without its quotation marks; of the letters in them, `\"` is a quotation mark.
fn unquoted(value: &str) -> Option<String> {
    let Some(inner) = value.strip_prefix('"') else { return Some(value.to_owned()) };
    let inner = inner.strip_suffix('"')?;
    let unescaped = inner.replace("\\\"", "");
    (!unescaped.contains('"')).then(|| inner.replace("\\\"", "\""))
}

fn wanted(key: &Key, operator: Operator, value: &str) -> Result<Wanted, String> {
    if value.is_empty() {
        let may = matches!(operator, Operator::Is | Operator::IsNot);
        return if may { Ok(Wanted::Nothing) } else { Err("the value is missing".to_owned()) };
    }
    if operator.is_pattern() {
        return pattern(value);
    }
    match key.kind {
        Kind::Text => Ok(Wanted::Text(value.to_lowercase())),
        Kind::Product => Ok(Wanted::Product(value.to_lowercase())),
        Kind::State => state(value),
        Kind::Version => version(operator, value),
        Kind::Percent => {
            let number = value.strip_suffix('%').unwrap_or(value);
            number_in(number, 100.0)
                .ok_or_else(|| "a number from 0 to 100 is allowed, in per cent".to_owned())
        }
        Kind::Number => number_in(value, 1e9).ok_or_else(|| "a number from 0 on is allowed".to_owned()),
        Kind::Age => age(value).ok_or_else(|| "a time is allowed: seconds, or 90s, 5m, 2h, 1d".to_owned()),
    }
}

fn pattern(value: &str) -> Result<Wanted, String> {
    if value.len() > MAX_PATTERN_BYTES {
        return Err(format!("the regular expression is longer than the {MAX_PATTERN_BYTES} bytes allowed"));
    }
    let regex = RegexBuilder::new(value)
        .case_insensitive(true)
        .size_limit(MAX_PATTERN_MEMORY)
        .nest_limit(MAX_PATTERN_DEPTH)
        .build();
    regex
        .map(Wanted::Pattern)
        .map_err(|error| format!("this is no regular expression that is allowed: {error}"))
}

fn state(value: &str) -> Result<Wanted, String> {
    let names: Vec<_> = State::ALL.iter().map(|state| state.name()).collect();
    if names.contains(&value) {
        return Ok(Wanted::Text(value.to_owned()));
    }
    Err(format!("there is no such state; there are {}", names.join(", ")))
}

fn version(operator: Operator, value: &str) -> Result<Wanted, String> {
    let is_version = value.strip_prefix('v').unwrap_or(value).split(['.', '-']).all(is_number);
    match numbers(value).filter(|_| is_version) {
        Some(numbers) => Ok(Wanted::Version(numbers)),
        None if operator.is_order() => Err("a version is allowed, such as 12 or 0.2.1".to_owned()),
        None => Ok(Wanted::Text(value.to_lowercase())),
    }
}

fn is_number(text: &str) -> bool {
    text.parse::<u64>().is_ok()
}

fn number_in(text: &str, max: f64) -> Option<Wanted> {
    let number: f64 = text.trim().parse().ok()?;
    (0.0..=max).contains(&number).then_some(Wanted::Number(number))
}

fn age(text: &str) -> Option<Wanted> {
    let units = [("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0)];
    let found = units.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)));
    let (number, seconds) = found.unwrap_or((text, 1.0));
    let number: f64 = number.trim().parse().ok()?;
    (0.0..=1e9).contains(&number).then_some(Wanted::Number(number * seconds))
}

fn wrong(part: &str, why: String) -> Wrong {
    Wrong { part: cut(part), why }
}

fn cut(text: &str) -> String {
    let start = text.get(..text.floor_char_boundary(MAX_TOLD_BYTES)).unwrap_or_default();
    if start.len() == text.len() { text.to_owned() } else { format!("{start}…") }
}
