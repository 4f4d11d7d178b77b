//! Reading one parameter: type, range, the words of which it is one, and the refusals that hold for names on every platform.

use super::choices::Choice;
use crate::parse::{describe, quote};
use crate::timestamp::Moment;
use crate::{ErrorCode, number};
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

/// Longest name or filter, in characters.
pub const MAX_NAME_CHARS: usize = 256;

/// Largest `limit`.
pub const MAX_LIMIT: u32 = 100_000;

/// Largest pid: 31 bits.
pub const MAX_PID: u32 = i32::MAX as u32;

/// Largest `older_than_days`.
pub const MAX_DAYS: u32 = 3650;

/// Most items of a list of names.
pub const MAX_LIST: usize = 100;

/// Largest `limit` of `PackageSearch`, and what it is when absent.
pub const MAX_HITS: u32 = 200;

/// Largest `lines` of `ServiceLogs`.
pub const MAX_LOG_LINES: u32 = 1000;

/// Lines of a `ServiceLogs` that names no number.
pub const DEFAULT_LOG_LINES: u32 = 100;

/// Longest script, in bytes: what a line of the host may have at most.
pub const MAX_SCRIPT_BYTES: usize = 16 << 20;

/// Largest `timeout_secs` of a script.
pub const MAX_SCRIPT_SECS: u32 = 86_400;

/// The same of one that names none.
pub const SCRIPT_SECS: u32 = 600;

/// What `state` of `ServiceList` may be.
pub const SERVICE_STATES: [&str; 8] =
    ["running", "stopped", "failed", "starting", "stopping", "exited", "reloading", "paused"];

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

    /// An integer in a range, which must be there.
    pub(super) fn required_integer(
        &self,
        name: &'static str,
        range: RangeInclusive<u32>,
    ) -> Result<u32, ParamError> {
        let must = format!("be an integer from {} to {}", range.start(), range.end());
        self.integer(name, range)?.ok_or_else(|| missing(name, &must))
    }

    /// A share of a whole, which is `whole`: above 0.
    pub(super) fn share(&self, name: &'static str, whole: u32) -> Result<Option<f64>, ParamError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_f64().filter(|number| *number > 0.0 && *number <= f64::from(whole));
        let must = format!("be a number greater than 0 and at most {whole}");
        number.map(Some).ok_or_else(|| ParamError::must(name, &must, &describe(value)))
    }

    /// One word of a few, in any case.
    pub(super) fn choice<T: Choice>(&self, name: &'static str) -> Result<Option<T>, ParamError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        word_of(name, value, T::WORDS).map(Some)
    }

    /// One word of a few, which must be there.
    pub(super) fn required_choice<T: Choice>(&self, name: &'static str) -> Result<T, ParamError> {
        self.choice(name)?.ok_or_else(|| missing(name, &one_of(T::WORDS)))
    }

    /// One word of a few, or the usual one.
    pub(super) fn choice_or_default<T: Choice + Default>(&self, name: &'static str) -> Result<T, ParamError> {
        Ok(self.choice(name)?.unwrap_or_default())
    }

    /// One of [`SERVICE_STATES`].
    pub(super) fn service_state(&self, name: &'static str) -> Result<Option<String>, ParamError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        word_of(name, value, &SERVICE_STATES.map(|state| (state, state))).map(|state| Some(state.to_owned()))
    }

    /// Text to search for; an empty one is absent.
    pub(super) fn filter(&self, name: &'static str) -> Result<Option<String>, ParamError> {
        self.text(name, MAX_NAME_CHARS)
    }

    /// Text without control characters; an empty one is absent.
    pub(super) fn text(&self, name: &'static str, max: usize) -> Result<Option<String>, ParamError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = text_of(name, value)?.trim();
        check_length(name, text, max)?;
        if text.chars().any(char::is_control) {
            return Err(ParamError::must(name, "not contain control characters", &quote(text)));
        }
        Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
    }

    /// Text without control characters, which must be there.
    pub(super) fn required_text(&self, name: &'static str, max: usize) -> Result<String, ParamError> {
        let text = self.text(name, max)?;
        match self.get(name) {
            None => Err(missing(name, "be a string")),
            Some(_) => {
                text.ok_or_else(|| ParamError::must(name, "not be empty; it names what is meant", "\"\""))
            }
        }
    }

    /// The text of a script, which must be there and is kept as it came; no shell takes NUL.
    pub(super) fn script(&self, name: &'static str, max: usize) -> Result<String, ParamError> {
        let text = text_of(name, self.get(name).ok_or_else(|| missing(name, "be a string"))?)?;
        if text.trim().is_empty() {
            return Err(ParamError::must(name, "not be empty", "empty"));
        }
        if text.len() > max || text.contains('\0') {
            let must = format!("be at most {max} bytes long and hold no NUL");
            return Err(ParamError::must(name, &must, &format!("{} bytes", text.len())));
        }
        Ok(text.to_owned())
    }

    /// A [`Moment`] as it was written; an empty one is absent.
    pub(super) fn moment(&self, name: &'static str) -> Result<Option<String>, ParamError> {
        let Some(text) = self.filter(name)? else { return Ok(None) };
        if Moment::parse(&text).is_none() {
            let must = "be a time such as 2026-11-23T06:30:00Z, or how long ago, such as 2h or 15min";
            return Err(ParamError::must(name, must, &quote(&text)));
        }
        Ok(Some(text))
    }

    /// The name of a service or package, which must be there and is never taken for an option or a path.
    pub(super) fn name(&self, name: &'static str, max: usize) -> Result<String, ParamError> {
        let text = text_of(name, self.get(name).ok_or_else(|| missing(name, "be a string"))?)?;
        check_name(name, text, max)?;
        Ok(text.to_owned())
    }

    /// A list of articles, spelt `KB5034441` or `5034441` in any case; they come as the former.
    pub(super) fn kb_articles(
        &self,
        name: &'static str,
        max: usize,
    ) -> Result<Option<Vec<String>>, ParamError> {
        let Some(articles) = self.words(name, max)? else { return Ok(None) };
        articles.iter().map(|text| kb_article(name, text)).collect::<Result<_, _>>().map(Some)
    }

    /// A list of words of `a` to `z`, `A` to `Z`, `0` to `9`, `_`, `-` and `.`, with at least one in it.
    pub(super) fn words(&self, name: &'static str, max: usize) -> Result<Option<Vec<String>>, ParamError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let Value::Array(items) = value else {
            return Err(ParamError::must(name, "be a list of strings", &describe(value)));
        };
        if items.is_empty() || items.len() > max {
            let must = format!("have 1 to {max} items; omit it for all");
            return Err(ParamError::must(name, &must, &format!("{}", items.len())));
        }
        items.iter().map(|item| word(name, item)).collect::<Result<_, _>>().map(Some)
    }
}

fn missing(name: &'static str, must: &str) -> ParamError {
    ParamError::invalid(name, format!("`{name}` is missing; it must {must}"))
}

fn one_of<T>(choices: &[(&str, T)]) -> String {
    let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
    format!("be one of {}", words.join(", "))
}

fn word_of<T: Copy>(name: &'static str, value: &Value, choices: &[(&str, T)]) -> Result<T, ParamError> {
    let found =
        value.as_str().and_then(|text| choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)));
    let found = found.map(|(_, choice)| *choice);
    found.ok_or_else(|| ParamError::must(name, &one_of(choices), &describe(value)))
}

fn kb_article(name: &'static str, text: &str) -> Result<String, ParamError> {
    let upper = text.to_ascii_uppercase();
    let digits = upper.strip_prefix("KB").unwrap_or(&upper);
    if (4..=10).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(format!("KB{digits}"));
    }
    Err(ParamError::must(name, "contain article numbers such as KB5034441", &quote(text)))
}

fn word(name: &'static str, value: &Value) -> Result<String, ParamError> {
    let text = text_of(name, value)?;
    check_name(name, text, MAX_NAME_CHARS)?;
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)) {
        return Ok(text.to_owned());
    }
    Err(ParamError::must(name, "contain only letters, digits, _, - and .", &quote(text)))
}

fn text_of<'a>(name: &'static str, value: &'a Value) -> Result<&'a str, ParamError> {
    value.as_str().ok_or_else(|| ParamError::must(name, "be a string", &describe(value)))
}

fn check_length(name: &'static str, text: &str, max: usize) -> Result<(), ParamError> {
    if text.chars().nth(max).is_none() {
        return Ok(());
    }
    let got = format!("{}", text.chars().count());
    Err(ParamError::must(name, &format!("be at most {max} characters long"), &got))
}

/// What no unit, service or package is called on any platform, and what an option or a path could be made of.
fn check_name(name: &'static str, text: &str, max: usize) -> Result<(), ParamError> {
    let refuse = |must: &str| Err(ParamError::must(name, must, &quote(text)));
    if text.is_empty() {
        return refuse("not be empty");
    }
    check_length(name, text, max)?;
    if text.starts_with('-') {
        return refuse("not start with -");
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return refuse("not contain white space or control characters");
    }
    if text.contains('/') {
        return refuse("be a name, not a path: it must not contain /");
    }
    Ok(())
}
