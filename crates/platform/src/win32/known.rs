//! A code that means something to the agent.

/// A number with its name and its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The number.
    pub number: u32,
    /// Its name in the header; of a Win32 code without `ERROR_`.
    pub name: &'static str,
    /// What it means here, for people.
    pub words: &'static str,
}

/// One line of a table.
pub(super) const fn k(number: u32, name: &'static str, words: &'static str) -> Known {
    Known { number, name, words }
}
