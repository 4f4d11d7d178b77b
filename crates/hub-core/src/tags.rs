//! Tags of machines: those that the host gives by machines' names, and how they go together with those that guests give
//! themselves.
//!
//! What the host says of a tag counts. A guest's word fills in what the host says nothing of, and no rule of the host's looks at
//! it: who may do what to a machine must not be the machine's own choice.

use crate::like::is_like;
use infiniservice_protocol::tags::{TagError, Tags};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Parts at most.
pub const MAX_PARTS: usize = 256;
/// What selects every machine elsewhere.
const ALL: &str = "all";
/// Longest list of names of a part, in bytes.
pub const MAX_VMS_BYTES: usize = 64 << 10;

/// A part as the configuration has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// Which machines: names with commas between them, in which `*` is any text.
    pub vms: String,
    /// Their tags.
    pub set: BTreeMap<String, String>,
}

/// What is wrong with the parts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// Too many of them.
    #[error("there are {0} parts of `tags`; at most {most} are allowed", most = MAX_PARTS)]
    TooMany(usize),
    /// One of them.
    #[error("`tags`, part {part}: {why}")]
    Part {
        /// From 1.
        part: usize,
        /// What, and what is allowed.
        why: String,
    },
}

/// The tags that the host gives its machines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assigned {
    parts: Vec<(Vec<String>, Tags)>,
}

impl Assigned {
    /// Reads all parts.
    ///
    /// # Errors
    /// Which part is wrong, why, and what is allowed.
    pub fn new(written: &[Written]) -> Result<Self, Wrong> {
        if written.len() > MAX_PARTS {
            return Err(Wrong::TooMany(written.len()));
        }
        let mut assigned = Self::default();
        // One machine may be meant by all of them.
        let mut together = Tags::default();
        for (n, part) in written.iter().enumerate() {
            let wrong = |why| Wrong::Part { part: n + 1, why };
            let names = names(&part.vms).map_err(wrong)?;
            let tags = tags(&part.set).map_err(|why| wrong(format!("`set`: {why}")))?;
            together.put_over(&tags).map_err(|why| wrong(format!("with the parts before it {why}")))?;
            assigned.parts.push((names, tags));
        }
        Ok(assigned)
    }

    /// A machine's tags. Of one name the last part counts.
    pub fn of(&self, vm: &str) -> Tags {
        let mut tags = Tags::default();
        let parts = self.parts.iter().filter(|(names, _)| names.iter().any(|name| is_like(vm, name)));
        for (_, more) in parts {
            // All parts together have no more than there is room for.
            let _there_is_room = tags.put_over(more);
        }
        tags
    }
}

fn names(vms: &str) -> Result<Vec<String>, String> {
    if vms.len() > MAX_VMS_BYTES {
        return Err(format!("`vms` has {} bytes; at most {MAX_VMS_BYTES} are allowed", vms.len()));
    }
    if vms.trim() == ALL || vms.contains(['=', '~', '<', '>']) {
        let why = "a selector would depend on what guests say of themselves";
        return Err(format!("`vms` must be names with commas between them, in which `*` is any text: {why}"));
    }
    let names: Vec<_> = vms.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return Err("`vms` is empty; `*` means every machine".to_owned());
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}

fn tags(set: &BTreeMap<String, String>) -> Result<Tags, TagError> {
    let mut tags = Tags::default();
    for (name, value) in set {
        tags.add(name, value)?;
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at;
    use crate::fleet::Fleet;
    use proptest::prelude::*;

    fn part(vms: &str, set: &[(&str, &str)]) -> Written {
        let set = set.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Written { vms: vms.into(), set }
    }

    fn hello(tags: &str) -> String {
        format!(
            r#"{{"type":"hello","agent_version":"1","protocol_version":1,"platform":"linux","os":"x","tags":{tags},
            "capabilities":[],"limits":{{}}}}"#
        )
    }

    #[test]
    fn each_machine_has_the_tags_of_all_parts_that_name_it_and_the_last_one_counts() {
        let assigned = Assigned::new(&[
            part("*", &[("env", "prod"), ("site", "north")]),
            part("web-*, db-1", &[("tier", "web")]),
            part("db-1", &[("tier", "db"), ("env", "test")]),
        ])
        .unwrap();
        let of =
            |vm| assigned.of(vm).iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        assert_eq!(of("web-7"), ["env=prod", "site=north", "tier=web"]);
        assert_eq!(of("db-1"), ["env=test", "site=north", "tier=db"]);
        assert_eq!(of("db-2"), ["env=prod", "site=north"]);
        assert!(Assigned::default().of("web-7").is_empty());
    }

    #[test]
    fn what_is_wrong_with_a_part_is_told_with_its_number_and_what_is_allowed() {
        let good = || part("web-*", &[("env", "prod")]);
        for (wrong, told) in [
            (part("os=debian", &[]), "`tags`, part 2: `vms` must be names with commas between them"),
            (part("all", &[]), "a selector would depend on what guests say of themselves"),
            (part(" , ", &[]), "`vms` is empty; `*` means every machine"),
            (part("*", &[("1st", "x")]), "part 2: `set`: \"1st\" is not the name of a tag"),
            (part("*", &[("env", "")]), "`set`: the tag env must have a value of 1 to 128 bytes"),
            (part("*", &[("env", "a\nb")]), "without control characters"),
            (part(&"x".repeat(70_000), &[]), "`vms` has 70000 bytes; at most 65536 are allowed"),
        ] {
            let error = Assigned::new(&[good(), wrong]).unwrap_err().to_string();
            assert!(error.contains(told) && !error.contains('\n'), "{error}");
        }
        let error = Assigned::new(&vec![good(); MAX_PARTS + 1]).unwrap_err().to_string();
        assert_eq!(error, "there are 257 parts of `tags`; at most 256 are allowed");
        let many: Vec<_> = (0..33).map(|n| part("x", &[(&format!("t{n}"), "x")])).collect();
        let error = Assigned::new(&many).unwrap_err().to_string();
        assert!(error.contains("part 33: with the parts before it there are more than 32 tags"), "{error}");
    }

    #[test]
    fn the_hosts_word_on_a_tag_comes_before_the_guests_and_goes_when_it_is_taken_back() {
        let mut fleet = Fleet::default();
        fleet.assign(Assigned::new(&[part("web-*", &[("env", "prod")])]).unwrap());
        fleet.claim(at(0), "web-1", "/web-1").unwrap();
        fleet.with(at(0), "web-1", |machine| {
            machine.line(at(0), &hello(r#"{"env":"lies","role":"db"}"#));
            ((), vec![])
        });
        let all = |fleet: &Fleet| {
            let all = fleet.get("web-1").unwrap().all_tags();
            all.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        };
        assert_eq!(all(&fleet), ["env=prod", "role=db"]);
        assert_eq!(fleet.get("web-1").unwrap().tag("env"), Some("prod"));
        fleet.assign(Assigned::new(&[part("*", &[("site", "north")])]).unwrap());
        assert_eq!(all(&fleet), ["env=lies", "role=db", "site=north"]);
        let entry = fleet.get("web-1").unwrap();
        assert_eq!(
            (entry.tag("env"), entry.tag("site"), entry.tag("x")),
            (Some("lies"), Some("north"), None)
        );
    }

    #[test]
    fn of_tags_that_a_guest_makes_up_thirty_two_valid_ones_are_kept_and_of_a_hundred_thousand_none() {
        let made_up = |count: usize| {
            let all: Vec<_> = (0..count).map(|n| format!("\"t{n}\":\"x\",\"\\u001b[2J{n}\":\"x\"")).collect();
            hello(&format!("{{{}}}", all.join(",")))
        };
        let mut fleet = Fleet::default();
        fleet.claim(at(0), "web", "/web").unwrap();
        let mut say = |line: &str| {
            fleet.with(at(0), "web", |machine| (machine.line(at(0), line), vec![])).unwrap();
            fleet.get("web").unwrap().all_tags().into_keys().map(str::to_owned).collect::<Vec<_>>()
        };
        let kept = say(&made_up(5_000));
        assert_eq!(kept.len(), 32);
        assert!(kept.iter().all(|name| name.starts_with('t')), "{kept:?}");
        // The line is refused, and what was known stays.
        assert_eq!(say(&made_up(100_000)), kept);
        let long = "x".repeat(60_000);
        assert_eq!(say(&hello(&format!(r#"{{"{long}":"x","long":"{long}","ok":"x"}}"#))), ["ok"]);
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_or_told_on_one_line(
            vms in "[a-z*,= -]{0,12}", set in proptest::collection::btree_map("\\PC{0,4}", ".{0,4}", 0..3)
        ) {
            match Assigned::new(&[Written { vms, set: set.clone() }]) {
                Ok(assigned) => {
                    let given = assigned.of("web-1");
                    prop_assert!(given.iter().all(|(name, value)| set.get(name).is_some_and(|it| it == value)));
                }
                Err(wrong) => prop_assert!(!wrong.to_string().contains(char::is_control), "{}", wrong),
            }
        }
    }
}
