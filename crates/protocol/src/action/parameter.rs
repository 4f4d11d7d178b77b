//! Reading one parameter: type, range, and the refusals that hold for names on every platform.

use crate::ErrorCode;
use crate::number;
use crate::parse::{describe, quote};
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

/// Longest name or filter, in characters.
pub const MAX_NAME_CHARS: usize = 256;

/// What is wrong with an action or one of its parameters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParamError {
    /// `UNKNOWN_ACTION` or `INVALID_PARAMETER`.
    pub code: ErrorCode,
    /// The parameter at fault; absent for an unknown action.
    pub parameter: Option<&'static str>,
    /// Names the parameter, what it got (short, escaped) and what is allowed.
    pub message: String,
}

impl ParamError {
    /// The parameter `parameter` is wrong.
    pub fn invalid(parameter: &'static str, message: impl Into<String>) -> Self {
        Self { code: ErrorCode::InvalidParameter, parameter: Some(parameter), message: message.into() }
    }

    pub(super) fn must(parameter: &'static str, must: &str, got: &str) -> Self {
        Self::invalid(parameter, format!("`{parameter}` must {must}, not {got}"))
    }
}

/// An action's parameters; `null` is the same as absent.
pub(super) struct Params<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Params<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A flag, `false` when absent.
    pub(super) fn flag(&self, name: &'static str) -> Result<bool, ParamError> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(ParamError::must(name, "be true or false", &describe(other))),
        }
    }

    /// An integer in a range.
    pub(super) fn integer(
        &self,
        name: &'static str,
        range: RangeInclusive<u32>,
    ) -> Result<Option<u32>, ParamError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = number::integer(value).and_then(|number| u32::try_from(number).ok());
        number.filter(|number| range.contains(number)).map(Some).ok_or_else(|| {
            let must = format!("be an integer from {} to {}", range.start(), range.end());
            ParamError::must(name, &must, &describe(value))
        })
    }

    /// A share of a whole: above 0 and up to 100.
    pub(super) fn percent(&self, name: &'static str) -> Result<Option<f64>, ParamError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_f64().filter(|number| *number > 0.0 && *number <= 100.0);
        let wrong = || ParamError::must(name, "be a number above 0 and up to 100", &describe(value));
        number.map(Some).ok_or_else(wrong)
    }

    /// One word of a few, in any case.
    pub(super) fn choice<T: Copy>(
        &self,
        name: &'static str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, ParamError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let found =
            value.as_str().and_then(|text| choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)));
        found.map(|(_, choice)| Some(*choice)).ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            ParamError::must(name, &format!("be one of {}", words.join(", ")), &describe(value))
        })
    }

    /// Text to search for; an empty one is absent.
    pub(super) fn filter(&self, name: &'static str) -> Result<Option<String>, ParamError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = text_of(name, value)?.trim();
        check_length(name, text)?;
        if text.chars().any(char::is_control) {
            return Err(ParamError::must(name, "not hold control characters", &quote(text)));
        }
        Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
    }

    /// The name of a service or package, which must be there and is never taken for an option or a path.
    pub(super) fn name(&self, name: &'static str) -> Result<String, ParamError> {
        let missing = || ParamError::invalid(name, format!("`{name}` is missing; it must be a text"));
        let text = text_of(name, self.get(name).ok_or_else(missing)?)?;
        check_name(name, text)?;
        Ok(text.to_owned())
    }

    /// A list of words of `a` to `z`, `A` to `Z`, `0` to `9`, `_`, `-` and `.`, with at least one in it.
    pub(super) fn words(&self, name: &'static str, max: usize) -> Result<Option<Vec<String>>, ParamError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let Value::Array(items) = value else {
            return Err(ParamError::must(name, "be a list of texts", &describe(value)));
        };
        if items.is_empty() || items.len() > max {
            let must = format!("hold 1 to {max} texts; leave it out for all");
            return Err(ParamError::must(name, &must, &format!("{}", items.len())));
        }
        items.iter().map(|item| word(name, item)).collect::<Result<_, _>>().map(Some)
    }
}

fn word(name: &'static str, value: &Value) -> Result<String, ParamError> {
    let text = text_of(name, value)?;
    check_name(name, text)?;
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)) {
        return Ok(text.to_owned());
    }
    Err(ParamError::must(name, "hold only letters, digits, _, - and .", &quote(text)))
}

fn text_of<'a>(name: &'static str, value: &'a Value) -> Result<&'a str, ParamError> {
    value.as_str().ok_or_else(|| ParamError::must(name, "be a text", &describe(value)))
}

fn check_length(name: &'static str, text: &str) -> Result<(), ParamError> {
    if text.chars().nth(MAX_NAME_CHARS).is_none() {
        return Ok(());
    }
    let got = format!("{}", text.chars().count());
    Err(ParamError::must(name, &format!("be at most {MAX_NAME_CHARS} characters long"), &got))
}

/// What no unit, service or package is called on any platform, and what an option or a path could be made of.
fn check_name(name: &'static str, text: &str) -> Result<(), ParamError> {
    let refuse = |must: &str| Err(ParamError::must(name, must, &quote(text)));
    if text.is_empty() {
        return refuse("not be empty; it names what is meant");
    }
    check_length(name, text)?;
    if text.starts_with('-') {
        return refuse("not begin with -");
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return refuse("not hold white space or control characters");
    }
    if text.contains('/') {
        return refuse("be a name and no path: it must not hold /");
    }
    Ok(())
}
