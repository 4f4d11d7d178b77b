//! What `getent passwd ID…` prints: lines of passwd(5), of those that the machine's name services know (nsswitch.conf(5)).

use infiniservice_platform::linux::accounts;
use infiniservice_platform::one_line;
use std::collections::BTreeMap;

/// Names by id; the first of an id counts. What is not understood is passed over.
pub(super) fn parse(printed: &str) -> BTreeMap<u32, String> {
    let mut names = BTreeMap::new();
    for entry in accounts::entries(printed.as_bytes()) {
        let name = String::from_utf8_lossy(entry.name);
        names.entry(entry.id).or_insert_with(|| one_line::description(&name));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_a_directory_service_are_read_and_made_harmless() {
        let printed = "anna@corp.example:*:70001:70001:Anna:/home/anna:/bin/bash\n\
            \x1b[31mred:*:70002:1::/:/bin/sh\nno id:*:x:1::/:\n:*:70003:1::/:\nalso:*:70001:1::/:\n";
        let names = parse(printed);
        assert_eq!(names.len(), 2);
        assert_eq!(names[&70_001], "anna@corp.example");
        assert!(!names[&70_002].contains('\x1b'), "{:?}", names[&70_002]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            prop_assert!(parse(&text).values().all(|name| !name.contains(char::is_control)));
        }
    }
}
