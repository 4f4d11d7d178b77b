//! The layers put over each other, and what follows from one setting for another.

use super::field::Value;
use super::fragment::{Fragment, Sourced};
use super::origin::Origin;
use std::collections::BTreeMap;

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
