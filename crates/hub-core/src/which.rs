//! Which machines are meant by names with commas between them, or by a selector: in jobs, and in rules.

use crate::fleet::{Entry, Fleet};
use crate::like::is_like;
use crate::selector::{ALL, Found, Selector};
use infiniservice_protocol::clock::Now;
use std::collections::BTreeSet;
use std::fmt;

/// Longest list of names or selector, in bytes.
pub const MAX_BYTES: usize = 64 << 10;

/// Which machines are meant.
#[derive(Clone, Debug)]
pub enum Which {
    /// Names, in which `*` is any text.
    Names(Vec<String>),
    /// Those of which all of this holds; `all` is one, too.
    Selector(Selector),
}

impl Which {
    /// Reads names such as `web-*,db`, or a selector.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("`vms` has {} bytes; at most {MAX_BYTES} are allowed", text.len()));
        }
        if text.trim() == ALL || text.trim().is_empty() || text.contains(['=', '~', '<', '>']) {
            return text.parse().map(Self::Selector).map_err(|error| format!("{error}"));
        }
        let names = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        Ok(Self::Names(names.map(str::to_owned).collect()))
    }

    /// The same, but of tags only those that the host gives count.
    #[must_use]
    pub fn by_the_host(self) -> Self {
        match self {
            Self::Selector(selector) => Self::Selector(selector.by_the_host()),
            Self::Names(names) => Self::Names(names),
        }
    }

    /// Whether it means a machine.
    pub fn matches(&self, name: &str, entry: &Entry, now: Now) -> bool {
        match self {
            Self::Names(names) => names.iter().any(|pattern| is_like(name, pattern)),
            Self::Selector(selector) => selector.matches(name, entry, now),
        }
    }

    /// The same for a machine of which only the values of some of the selectors' keys are known, by the keys' names.
    pub fn means<'a>(&self, name: &str, known: &dyn Fn(&str) -> Found<'a>) -> bool {
        match self {
            Self::Names(names) => names.iter().any(|pattern| is_like(name, pattern)),
            Self::Selector(selector) => selector.holds(known),
        }
    }

    /// The selectors' keys that it asks for, such as `os` and `tag.env`.
    pub fn keys(&self) -> Vec<&str> {
        match self {
            Self::Names(_) => Vec::new(),
            Self::Selector(selector) => selector.keys().collect(),
        }
    }

    /// The names of the machines that are meant, in order. A name without `*` counts even where there is no such machine.
    pub fn select(&self, fleet: &Fleet, now: Now) -> Vec<String> {
        let names = match self {
            Self::Selector(selector) => {
                return selector.select(fleet, now).map(ToString::to_string).collect();
            }
            Self::Names(names) => names,
        };
        let mut found = BTreeSet::new();
        for pattern in names {
            if pattern.contains('*') {
                let all = fleet.iter().map(|(name, _)| &**name);
                found.extend(all.filter(|name| is_like(name, pattern)).map(str::to_owned));
            } else {
                found.insert(pattern.clone());
            }
        }
        found.into_iter().collect()
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Names(names) => f.write_str(&names.join(",")),
            Self::Selector(selector) => selector.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at;

    fn fleet() -> Fleet {
        let mut fleet = Fleet::default();
        for name in ["db-1", "web-1", "web-2"] {
            fleet.claim(at(0), name, &format!("/{name}")).unwrap();
        }
        fleet
    }

    #[test]
    fn names_patterns_and_selectors_say_which_machines() {
        let fleet = fleet();
        let of = |text| Which::parse(text).map(|which| which.select(&fleet, at(0)));
        assert_eq!(of("web-*, gone").unwrap(), ["gone", "web-1", "web-2"]);
        assert_eq!(of("*-1,db-1").unwrap(), ["db-1", "web-1"]);
        assert_eq!(of("all").unwrap().len(), 3);
        assert_eq!(of("name~^web").unwrap(), ["web-1", "web-2"]);
        assert!(of("").is_err() && of("nonsense=7").unwrap_err().contains("nonsense"));
        assert!(of(&"a".repeat(MAX_BYTES + 1)).unwrap_err().contains("at most"));
    }

    #[test]
    fn what_is_selected_matches_and_nothing_else_does() {
        let fleet = fleet();
        for text in ["web-*", "*-1,db-1", "all", "name~^web", "db-1", "nobody"] {
            let which = Which::parse(text).unwrap();
            let matched = fleet.iter().filter(|(name, entry)| which.matches(name, entry, at(0)));
            let mut selected = which.select(&fleet, at(0));
            selected.retain(|name| fleet.get(name).is_some());
            assert_eq!(matched.map(|(name, _)| name.to_string()).collect::<Vec<_>>(), selected, "{text}");
        }
    }

    #[test]
    fn a_machine_of_which_little_is_known_is_compared_by_that() {
        let known = |key: &str| match key {
            "name" => Found::text("web-1"),
            "os" => Found::text("Debian GNU/Linux"),
            "load5" => Found::number(Some(4.5)),
            "tag.env" => Found::text("prod"),
            _ => Found::Unknown,
        };
        for (text, means) in [
            ("all", true),
            ("web-*", true),
            ("db", false),
            ("os=debian,load5>4", true),
            ("load5>5", false),
            ("cpu>1", false),
            ("tag.env=prod,tag.tier=", true),
            ("tag.env!=prod", false),
            ("tag.tier!=web", false),
        ] {
            assert_eq!(Which::parse(text).unwrap().means("web-1", &known), means, "{text}");
        }
        assert_eq!(Which::parse("os=debian,tag.env~^p,load5>4").unwrap().keys(), ["os", "tag.env", "load5"]);
    }
}
