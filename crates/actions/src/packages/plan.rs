//! What a host calls a package, what is there of it, and what a change would do to others by the package
//! manager's own simulation.

/// Names in a sentence; the rest is counted.
const MAX_NAMED: usize = 20;

/// A package in a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planned {
    /// The bare name.
    pub name: String,
    /// Where the package manager tells it.
    pub architecture: Option<String>,
    /// Where the package manager tells it.
    pub version: Option<String>,
}

/// A package that goes because another comes in its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replaced {
    /// What goes.
    pub old: Planned,
    /// The name of what comes: the same where a new version takes the place of the oldest of several.
    pub by: String,
}

/// What a simulation would take away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Gone.
    pub removed: Vec<Planned>,
    /// In an older version.
    pub downgraded: Vec<Planned>,
    /// Gone as the repository means it: its packages say what they replace.
    pub replaced: Vec<Replaced>,
}

impl Plan {
    /// The same without what the host itself named.
    #[must_use]
    pub fn without(mut self, is_named: impl Fn(&Planned) -> bool) -> Self {
        self.removed.retain(|one| !is_named(one));
        self.downgraded.retain(|one| !is_named(one));
        self
    }

    /// The same for whoever named one package and asked for no other: what another name replaces is taken away.
    #[must_use]
    pub fn strict(mut self) -> Self {
        let (same, others): (Vec<_>, Vec<_>) =
            self.replaced.into_iter().partition(|one| one.old.name == one.by);
        self.replaced = same;
        self.removed.extend(others.into_iter().map(|one| one.old));
        self
    }

    /// Whether nothing is taken away but what is replaced.
    pub fn is_harmless(&self) -> bool {
        self.removed.is_empty() && self.downgraded.is_empty()
    }

    /// "it would remove a, b and downgrade c".
    pub fn sentence(&self) -> String {
        let part = |verb: &str, all: &[Planned]| (!all.is_empty()).then(|| format!("{verb} {}", named(all)));
        let parts = [part("remove", &self.removed), part("downgrade", &self.downgraded)];
        format!("it would {}", parts.into_iter().flatten().collect::<Vec<_>>().join(" and "))
    }
}

/// The names, bounded.
pub(super) fn named(all: &[Planned]) -> String {
    let names: Vec<_> = all.iter().take(MAX_NAMED).map(|one| one.name.as_str()).collect();
    match all.len().saturating_sub(MAX_NAMED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// Whether a planned package is the one that a target names, apart from its version.
pub(super) fn is_target(target: &PackageSpec, planned: &Planned) -> bool {
    let architecture = target
        .architecture
        .as_ref()
        .is_none_or(|own| planned.architecture.as_ref().is_none_or(|of| of == own));
    planned.name == target.name && architecture
}

/// What a line of a tool holds: `None` where it announces nothing, `Some(None)` where it should have been a row.
pub type Parsed<T> = Option<Option<T>>;

/// Reads a line of a tool.
pub type ReadLine<T> = Box<dyn FnMut(&str) -> Parsed<T> + Send>;

/// What a reader made of a tool's text: rows, and lines that should have been rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading<T> {
    /// What was understood.
    pub rows: Vec<T>,
    /// How many lines were not.
    pub unreadable: u32,
}

impl<T> Default for Reading<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), unreadable: 0 }
    }
}

impl<T> Reading<T> {
    /// Reads line by line; `None` passes a line over that announces nothing, and `Some(None)` counts one that does.
    pub fn of<'a>(lines: impl Iterator<Item = &'a str>, mut read: impl FnMut(&'a str) -> Parsed<T>) -> Self {
        let mut all = Self::default();
        for found in lines.filter_map(&mut read) {
            match found {
                Some(row) => all.rows.push(row),
                None => all.unreadable = all.unreadable.saturating_add(1),
            }
        }
        all
    }
}

/// A package as it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageSpec {
    /// The bare name.
    pub name: String,
    /// Where one was named.
    pub architecture: Option<String>,
    /// Where one was named.
    pub version: Option<String>,
}

impl PackageSpec {
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

/// One installed instance of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its version.
    pub version: String,
    /// Its architecture, where the package manager has one.
    pub architecture: Option<String>,
    /// Unpacked and set up. One whose script failed is there, but not ready.
    pub ready: bool,
    /// The package manager's word for one that is not ready.
    pub state: Option<String>,
}

impl Installed {
    /// Whether this is what was asked for.
    pub fn satisfies(&self, target: &PackageSpec) -> bool {
        let version = target.version.as_ref().is_none_or(|wanted| *wanted == self.version);
        let architecture = target.architecture.as_ref().is_none_or(|wanted| self.is_for(wanted));
        self.ready && version && architecture
    }

    /// Whether it is of this architecture, or of all.
    pub fn is_for(&self, architecture: &str) -> bool {
        self.architecture.as_deref().is_none_or(|own| own == architecture || own == "all" || own == "noarch")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_names_what_goes_and_counts_the_rest() {
        let planned = |name: String| Planned { name, ..Planned::default() };
        let few = Plan {
            removed: vec![planned("a".into())],
            downgraded: vec![planned("b".into())],
            ..Plan::default()
        };
        assert_eq!(few.sentence(), "it would remove a and downgrade b");
        let many = Plan { removed: (0..25).map(|n| planned(format!("p{n}"))).collect(), ..Plan::default() };
        assert!(many.sentence().ends_with("p19 and 5 more"), "{}", many.sentence());
    }
}
