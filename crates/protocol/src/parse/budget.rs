//! The memory of a line of JSON: values under a budget, for a line of a million empty arrays must not become a million heap
//! values; and what a line will take, found without taking any.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::cell::Cell;
use std::fmt;

/// Most values that one line of the host may hold in fields that are read; a list of names stays far below.
pub const MAX_VALUES: usize = 10_000;

/// What is left of the line's budget.
pub(super) struct Budget(Cell<usize>);

impl Budget {
    pub(super) const fn new() -> Self {
        Self(Cell::new(MAX_VALUES))
    }

    fn spend<E: Error>(&self) -> Result<(), E> {
        let left = self.0.get().checked_sub(1);
        self.0
            .set(left.ok_or_else(|| E::custom(format!("the line contains more than {MAX_VALUES} values")))?);
        Ok(())
    }
}

/// Reads one value within the budget; an object's key that stands twice is an error.
pub(super) struct Bounded<'a>(pub(super) &'a Budget);

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.0.spend()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(Bounded(self.0))? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(Bounded(self.0))?;
            if members.contains_key(&key) {
                return Err(A::Error::custom(format!(
                    "duplicate key {} in one object",
                    super::rejection::quote_name(&key)
                )));
            }
            members.insert(key, value);
        }
        Ok(Value::Object(members))
    }
}

/// Of any value: its place in the list that holds it.
const VALUE_BYTES: usize = 32;
/// Of a list or an object, an empty one too: a map's first node, or the fields of the type that it is read into.
const CONTAINER_BYTES: usize = 512;
/// Of an object's member beside its key and its value: the free places of a map whose nodes are half full.
const MEMBER_BYTES: usize = 40;

/// What the values of one line weigh, up to a bound.
pub(super) struct Scale {
    weight: Cell<usize>,
    max: usize,
}

impl Scale {
    pub(super) const fn new(max: usize) -> Self {
        Self { weight: Cell::new(0), max }
    }

    pub(super) const fn weight(&self) -> usize {
        self.weight.get()
    }

    pub(super) const fn is_exceeded(&self) -> bool {
        self.weight.get() > self.max
    }

    fn add<E: Error>(&self, bytes: usize) -> Result<(), E> {
        self.weight.set(self.weight.get().saturating_add(bytes));
        if self.is_exceeded() { Err(E::custom("the values take too much memory")) } else { Ok(()) }
    }
}

/// Weighs one value.
pub(super) struct Weighed<'a>(pub(super) &'a Scale);

impl<'de> DeserializeSeed<'de> for Weighed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Weighed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.add(VALUE_BYTES)
    }

    fn visit_bool<E: Error>(self, _value: bool) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_i64<E: Error>(self, _value: i64) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_u64<E: Error>(self, _value: u64) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_f64<E: Error>(self, _value: f64) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.0.add(VALUE_BYTES + value.len())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.0.add(VALUE_BYTES + CONTAINER_BYTES)?;
        while seq.next_element_seed(Weighed(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.add(VALUE_BYTES + CONTAINER_BYTES)?;
        while map.next_key_seed(Weighed(self.0))?.is_some() {
            self.0.add(MEMBER_BYTES)?;
            map.next_value_seed(Weighed(self.0))?;
        }
        Ok(())
    }
}
