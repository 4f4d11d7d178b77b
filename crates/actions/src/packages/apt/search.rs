//! What apt's lists have: apt-cache(8) searches them, and tells the versions of what was found.

use super::names;
use crate::packages::{Hit, Parsed};
use infiniservice_platform::sanitize::description;
use std::collections::HashMap;

/// A policy of a few hundred packages, with all their versions and repositories.
pub(super) const MAX_POLICY_BYTES: usize = 2 << 20;

/// `nano - small, friendly text editor`. A package for another architecture (`libc6:i386`) is left out beside the machine's own.
pub(super) fn hit(line: &str) -> Parsed<Hit> {
    let (name, summary) = line.split_once(" - ")?;
    let is_own = names::target(name).is_ok_and(|target| target.name == name);
    is_own.then(|| {
        Some(Hit {
            name: name.to_owned(),
            version: None,
            architecture: None,
            description: description(summary),
            source: "apt".to_owned(),
        })
    })
}

/// The candidates of `apt-cache policy`, which are what an installation would bring.
pub(super) fn candidates(text: &str) -> HashMap<String, String> {
    let (mut found, mut name) = (HashMap::new(), None);
    for line in text.lines() {
        if let Some(head) = line.strip_suffix(':').filter(|head| !head.starts_with(' ')) {
            name = Some(head);
        } else if let (Some(name), Some(version)) = (name, line.strip_prefix("  Candidate: "))
            && version != "(none)"
        {
            found.insert(name.to_owned(), version.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_search_of_apt_2_6_1_is_read_line_by_line() {
        let text = include_str!("fixtures/search.apt-2.6.1.stdout");
        let hits: Vec<_> = text.lines().filter_map(hit).flatten().collect();
        assert_eq!(hits.len(), text.lines().count());
        assert_eq!(hits[0].name, "nano");
        assert_eq!(hits[0].description, "small, friendly text editor inspired by Pico");
    }

    #[test]
    fn a_line_that_names_no_plain_package_is_no_hit() {
        for line in ["", "no dash", "-oX=y - evil", "libc6:i386 - foreign", "a b - two words", "vim= - x"] {
            assert_eq!(hit(line), None, "{line:?}");
        }
        let evil = hit("evil - \u{1b}]0;x\u{7} - y").flatten().unwrap();
        assert!(!evil.description.contains(char::is_control), "{evil:?}");
    }

    #[test]
    fn the_candidates_of_apt_2_6_1_are_found_and_who_has_none_is_left_out() {
        let found = candidates(include_str!("fixtures/policy.apt-2.6.1.stdout"));
        assert_eq!(found.get("bash").map(String::as_str), Some("5.2.15-2+b13"));
        assert_eq!(found.get("nano").map(String::as_str), Some("7.2-1+deb12u1"));
        assert!(candidates("x:\n  Installed: 1\n  Candidate: (none)\n").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>()) {
            let _ = (candidates(&text), text.lines().filter_map(hit).count());
        }
    }
}
