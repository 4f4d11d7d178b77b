//! Values of machines, values of selectors, and how they are compared.

use super::Operator;
use regex_lite::Regex;
use std::cmp::Ordering;

/// So much of a guest's word is compared, in bytes.
const MAX_FOUND_BYTES: usize = 256;

/// What a part wants.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    /// That it is not known.
    Nothing,
    /// In small letters, with `*` for anything.
    Text(String),
    /// In small letters: this name, or one that begins with these words.
    Product(String),
    /// Its numbers.
    Version(Vec<u64>),
    /// A regular expression.
    Pattern(Regex),
    /// A number.
    Number(f64),
}

/// What a machine has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Found<'a> {
    /// Nobody knows.
    Unknown,
    /// A text, which is not empty.
    Text(&'a str),
    /// A number.
    Number(f64),
}

impl<'a> Found<'a> {
    /// A text; an empty one is not known.
    pub fn text(text: &'a str) -> Self {
        let text = text.get(..text.floor_char_boundary(MAX_FOUND_BYTES)).unwrap_or_default();
        if text.is_empty() { Self::Unknown } else { Self::Text(text) }
    }

    /// A number that may not be known.
    pub fn number(number: Option<f64>) -> Self {
        number.map_or(Self::Unknown, Self::Number)
    }

    pub(super) fn is_unknown(self) -> bool {
        self == Self::Unknown
    }

    /// Whether what was found compares so with what is wanted; what is not known does not.
    pub(super) fn compares(self, operator: Operator, wanted: &Wanted) -> bool {
        match (self, wanted) {
            // Figures are kept with that precision: 0.01 is to be what it was.
            (Self::Number(found), Wanted::Number(wanted)) => {
                holds(operator, (found as f32).total_cmp(&(*wanted as f32)))
            }
            (Self::Text(found), Wanted::Version(wanted)) => {
                numbers(found).is_some_and(|found| holds(operator, compare(&found, wanted)))
            }
            (Self::Text(found), Wanted::Text(wanted)) => {
                negated(operator, globs(wanted, &found.to_lowercase()))
            }
            (Self::Text(found), Wanted::Product(wanted)) => {
                negated(operator, is_product(wanted, &found.to_lowercase()))
            }
            (Self::Text(found), Wanted::Pattern(wanted)) => negated(operator, wanted.is_match(found)),
            _ => false,
        }
    }
}

const fn negated(operator: Operator, is: bool) -> bool {
    matches!(operator, Operator::Is | Operator::Like) == is
}

const fn holds(operator: Operator, order: Ordering) -> bool {
    match operator {
        Operator::Is => order.is_eq(),
        Operator::IsNot => order.is_ne(),
        Operator::Less => order.is_lt(),
        Operator::AtMost => order.is_le(),
        Operator::AtLeast => order.is_ge(),
        Operator::More => order.is_gt(),
        Operator::Like | Operator::NotLike => false,
    }
}

/// The numbers of a version, `6.1.0-41-cloud-amd64` to 6, 1, 0, 41: up to the first part that is none.
pub(super) fn numbers(version: &str) -> Option<Vec<u64>> {
    let version = version.strip_prefix('v').unwrap_or(version);
    let parts = version.split(['.', '-', '+', '~', '_']).map_while(|part| part.parse().ok());
    let numbers: Vec<u64> = parts.collect();
    (!numbers.is_empty()).then_some(numbers)
}

/// Compares as many numbers as are wanted: 12.5 is 12, and it is not more than 12.
fn compare(found: &[u64], wanted: &[u64]) -> Ordering {
    let found = found.iter().copied().chain(std::iter::repeat(0)).take(wanted.len());
    found.cmp(wanted.iter().copied())
}

/// Whether a name is that, or begins with its words. Some systems have their maker's name before their own.
fn is_product(wanted: &str, found: &str) -> bool {
    let begins = |found: &str| {
        found.strip_prefix(wanted).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
            || globs(wanted, found)
    };
    begins(found) || found.strip_prefix("microsoft ").is_some_and(begins)
}

/// Whether a text is a pattern in which `*` is any text. It goes back to the last `*` only, so its time is bounded by the
/// product of the lengths.
fn globs(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = rest.get(at + piece.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}
