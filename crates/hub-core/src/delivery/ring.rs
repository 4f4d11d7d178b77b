//! Things that wait to be packed, the newest of them.

use std::collections::VecDeque;

/// At most so many things; the oldest are lost first, and counted.
#[derive(Debug)]
pub struct Ring<T> {
    things: VecDeque<T>,
    most: usize,
    lost: u64,
}

impl<T> Ring<T> {
    /// For so many.
    pub const fn new(most: usize) -> Self {
        Self { things: VecDeque::new(), most, lost: 0 }
    }

    /// Adds one.
    pub fn push(&mut self, thing: T) {
        if self.things.len() >= self.most {
            self.things.pop_front();
            self.lost += 1;
        }
        self.things.push_back(thing);
    }

    /// Takes the oldest ones, at most so many.
    pub fn take(&mut self, most: usize) -> Vec<T> {
        self.things.drain(..most.min(self.things.len())).collect()
    }

    /// How many were lost since this was asked last.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }
}

impl<T> Extend<T> for Ring<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, things: I) {
        things.into_iter().for_each(|thing| self.push(thing));
    }
}
