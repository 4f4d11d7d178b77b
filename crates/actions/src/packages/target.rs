//! What a host calls a package, taken apart.

/// A package as it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The bare name.
    pub name: String,
    /// Where one was named.
    pub architecture: Option<String>,
    /// Where one was named.
    pub version: Option<String>,
}

impl Target {
    /// A bare name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

/// Whether `text` has a length in `1..=128`, begins with `first` and goes on with `rest`.
pub(super) fn word(text: &str, first: impl Fn(char) -> bool, rest: impl Fn(char) -> bool) -> bool {
    let mut chars = text.chars();
    (1..=128).contains(&text.len()) && chars.next().is_some_and(first) && chars.all(rest)
}
