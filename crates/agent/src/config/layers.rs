//! The layers (defaults, file, environment, flags): some of the settings, each with its origin. And the layers put over each
//! other, with what follows from one setting for another.

use super::error::{ConfigError, Origin, nearest, quote};
use super::field::{Field, Value};
use super::table::FIELDS;
use std::collections::BTreeMap;

/// `proc_pid_cmdline(5)` is for everybody.
const ON_A_COMMAND_LINE: &str = "is refused, because every user of the machine can read command lines; \
    put the secret into a file, name the file with shared_secret_file, and change the secret";

/// Errors of one source that are told; nobody mends more at a time, and each costs a search for the name that was meant.
const MAX_ERRORS: usize = 100;

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced {
    /// Within the field's bounds.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

/// Some settings, and everything that was wrong while they were read.
#[derive(Clone, Debug, Default)]
pub struct Fragment {
    /// By name.
    pub values: BTreeMap<&'static str, Sourced>,
    /// In the order of the source.
    pub errors: Vec<ConfigError>,
    /// Further ones, only counted.
    pub more_errors: usize,
}

/// A setting given by a flag, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagValue {
    /// With its dashes, as messages name it.
    pub flag: String,
    /// The setting's name.
    pub name: String,
    /// Its value's text.
    pub text: String,
}

/// The declaration of a setting.
pub(super) fn field(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.name == name)
}

impl Fragment {
    /// The built-in values.
    pub(super) fn defaults() -> Self {
        let mut fragment = Self::default();
        for field in FIELDS {
            let value = field.default.map_or(Ok(Value::Unset), |text| field.parse(text));
            fragment.take(field, Origin::Default, field.default.unwrap_or_default(), value);
        }
        fragment
    }

    /// What the flags say.
    pub(super) fn flags(flags: &[FlagValue]) -> Self {
        let mut fragment = Self::default();
        for FlagValue { flag, name, text } in flags {
            let origin = Origin::Flag { name: flag.clone() };
            match field(name).filter(|field| field.is_secret()) {
                Some(secret) => fragment.take(secret, origin, "", Err(ON_A_COMMAND_LINE.into())),
                None => fragment.text(name, origin, text),
            }
        }
        fragment
    }

    /// Takes a value given as text under a name that may be unknown.
    pub(super) fn text(&mut self, name: &str, origin: Origin, text: &str) {
        match field(name) {
            Some(field) => self.take(field, origin, &quote(text), field.parse(text)),
            None => self.unknown(name, origin, name),
        }
    }

    /// Notes a name that no setting has; `shown` is how its source writes it.
    pub(super) fn unknown(&mut self, name: &str, origin: Origin, shown: &str) {
        if self.is_full() {
            self.more_errors += 1;
            return;
        }
        let nearest = nearest(name, FIELDS.iter().map(|field| field.name));
        self.errors.push(ConfigError::Unknown { origin, name: shown.into(), nearest });
    }

    /// Whether so much is wrong that the rest is only counted.
    pub(super) fn is_full(&self) -> bool {
        self.errors.len() >= MAX_ERRORS
    }

    /// Notes what is wrong, or counts it.
    pub(super) fn wrong(&mut self, error: ConfigError) {
        if self.is_full() { self.more_errors += 1 } else { self.errors.push(error) }
    }

    /// Takes what a field's reader made of `shown`.
    pub(super) fn take(
        &mut self,
        field: &'static Field,
        origin: Origin,
        shown: &str,
        read: Result<Value, String>,
    ) {
        match read {
            Ok(value) => {
                self.values.insert(field.name, Sourced { value, origin });
            }
            Err(problem) => {
                let value = if field.is_secret() { "(not shown)".into() } else { shown.into() };
                self.wrong(ConfigError::Value { origin, name: field.name, value, problem });
            }
        }
    }
}

/// What `aggressive_retry` makes of the back-off.
const AGGRESSIVE: [(&str, u64); 2] = [("min_backoff_secs", 2), ("max_backoff_secs", 30)];

/// Each setting's effective value and its origin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged(BTreeMap<&'static str, Sourced>);

impl Merged {
    /// Merges the layers, the weakest first.
    pub(super) fn new(layers: impl IntoIterator<Item = Fragment>) -> Self {
        let mut merged = Self(layers.into_iter().flat_map(|layer| layer.values).collect());
        merged.imply_aggressive_retry();
        merged
    }

    /// A setting's value.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).map(|sourced| &sourced.value)
    }

    /// A setting's value where it is a number.
    pub(super) fn integer(&self, name: &str) -> Option<u64> {
        if let Some(Value::Integer(number)) = self.get(name) { Some(*number) } else { None }
    }

    /// Whether a switch is on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Bool(true))
    }

    /// Whether an optional setting is set.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| *value != Value::Unset)
    }

    /// Where a setting's value came from.
    pub fn origin(&self, name: &str) -> &Origin {
        self.0.get(name).map_or(&Origin::Default, |sourced| &sourced.origin)
    }

    /// Where a setting's value came from, where it is not the default.
    pub fn set_by(&self, name: &str) -> Option<&Origin> {
        self.0.get(name).map(|sourced| &sourced.origin).filter(|origin| **origin != Origin::Default)
    }

    /// Leaves a setting as it was: what is shown is what holds.
    pub(super) fn keep(&mut self, name: &'static str, from: &Self) {
        if let Some(sourced) = from.0.get(name) {
            self.0.insert(name, sourced.clone());
        }
    }

    pub(super) fn set(&mut self, name: &'static str, value: Value, origin: Origin) {
        self.0.insert(name, Sourced { value, origin });
    }

    /// The switch counts as a setting of both bounds, at its own source's strength: a bound set by a source at
    /// least as strong stays.
    fn imply_aggressive_retry(&mut self) {
        if !self.is_on("aggressive_retry") {
            return;
        }
        let origin = self.origin("aggressive_retry").clone();
        for (name, seconds) in AGGRESSIVE {
            if self.origin(name).rank() < origin.rank() {
                let by = "aggressive_retry".into();
                let implied = Origin::Implied { by, origin: Box::new(origin.clone()) };
                self.set(name, Value::Integer(seconds), implied);
            }
        }
    }
}
