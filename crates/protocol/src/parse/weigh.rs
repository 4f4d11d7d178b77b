//! What a line of JSON will take in memory, found without taking any.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;

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
