//! The machines of the host as jobs see them.

use super::MAX_SELECTOR_BYTES;
use super::planner::{Presence, View};
use crate::fleet::Fleet;
use crate::router::MAX_IN_FLIGHT;
use crate::selector::{ALL, Selector};
use crate::session::State;
use infiniservice_protocol::clock::Now;
use std::collections::BTreeSet;

impl View for Fleet {
    fn presence(&self, vm: &str) -> Presence {
        let Some(entry) = self.get(vm) else { return Presence::Absent };
        let router = entry.machine.router();
        match entry.machine.link() {
            Some(link) => {
                // An agent that has fallen silent would leave a change unanswered, and so unknown.
                let is_up = entry.machine.state() == State::Up;
                let free = is_up && router.in_flight() + router.waiting() < MAX_IN_FLIGHT;
                Presence::There { link, free }
            }
            None => Presence::Away,
        }
    }
}

/// The machines that a job is for: a selector, or names with commas between them, in which `*` is any part of a name. A name
/// without `*` counts even where there is no such machine: the job then says so.
///
/// # Errors
/// What is wrong with the selector.
pub fn targets(fleet: &Fleet, text: &str, now: Now) -> Result<Vec<String>, String> {
    if text.len() > MAX_SELECTOR_BYTES {
        return Err(format!("`vms` has {} bytes; at most {MAX_SELECTOR_BYTES} are allowed", text.len()));
    }
    if text.trim() == ALL || text.trim().is_empty() || text.contains(['=', '~', '<', '>']) {
        let selector: Selector = text.parse().map_err(|error| format!("{error}"))?;
        return Ok(selector.select(fleet, now).map(ToString::to_string).collect());
    }
    let mut names = BTreeSet::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        if part.contains('*') {
            let all = fleet.iter().map(|(name, _)| &**name);
            names.extend(all.filter(|name| is_like(name, part)).map(str::to_owned));
        } else {
            names.insert(part.to_owned());
        }
    }
    Ok(names.into_iter().collect())
}

/// Whether a name is like a pattern in which `*` is any text.
fn is_like(name: &str, pattern: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return name == pattern };
    let Some(mut name) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = name.find(part) else { return false };
        name = name.get(at + part.len()..).unwrap_or_default();
    }
    name.ends_with(last)
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
        let of = |text| targets(&fleet, text, at(0));
        assert_eq!(of("web-*, gone").unwrap(), ["gone", "web-1", "web-2"]);
        assert_eq!(of("*-1,db-1").unwrap(), ["db-1", "web-1"]);
        assert_eq!(of("all").unwrap().len(), 3);
        assert_eq!(of("name~^web").unwrap(), ["web-1", "web-2"]);
        assert!(of("").is_err() && of("nonsense=7").unwrap_err().contains("nonsense"));
    }

    #[test]
    fn a_star_is_any_text_and_also_none() {
        for (pattern, is) in
            [("*", true), ("w*1", true), ("web-1*", true), ("*e*b*", true), ("we*eb-1", false), ("W*", false)]
        {
            assert_eq!(is_like("web-1", pattern), is, "{pattern}");
        }
    }
}
