//! What names of users are read from: the replies of systemd's user database, JSON with a user's record
//! (<https://systemd.io/USER_RECORD>), and what `getent passwd ID…` prints: lines of passwd(5), of those that the machine's name
//! services know (nsswitch.conf(5)).

use infiniservice_platform::linux::accounts;
use infiniservice_platform::sanitize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The name in a reply, if it is about this id; an error (`NoRecordFound`) has none.
pub(super) fn user_name(reply: &[u8], id: u32) -> Option<String> {
    let reply: Value = serde_json::from_slice(reply.strip_suffix(b"\0")?).ok()?;
    let record = reply.pointer("/parameters/record")?;
    let is_it = record.get("uid").and_then(Value::as_u64) == Some(id.into());
    let name = record.get("userName").and_then(Value::as_str).filter(|name| is_it && !name.is_empty())?;
    Some(sanitize::description(name))
}

/// Names by id; the first of an id counts. What is not understood is passed over.
pub(super) fn printed_names(printed: &str) -> BTreeMap<u32, String> {
    let mut names = BTreeMap::new();
    for entry in accounts::entries(printed.as_bytes()) {
        let name = String::from_utf8_lossy(entry.name);
        names.entry(entry.id).or_insert_with(|| sanitize::description(&name));
    }
    names
}

/// Every name that is read of `getent`'s output, or of a reply of the user database.
#[cfg(any(test, feature = "fuzzing"))]
pub fn names(bytes: &[u8], text: &str) -> Vec<String> {
    printed_names(text).into_values().chain(user_name(bytes, 63_127)).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// For a unit with `DynamicUser=yes`, after the documentation; the tests in the machine see the real one.
    pub(in crate::user_names) const FOUND: &[u8] = b"{\"parameters\":{\"record\":{\"userName\":\"lab-dynamic\",\"uid\":63127,\"gid\":63127,\
        \"realName\":\"Dynamic User\",\"homeDirectory\":\"/\",\"shell\":\"/usr/sbin/nologin\",\"locked\":true,\
        \"service\":\"io.systemd.DynamicUser\",\"disposition\":\"dynamic\"},\"incomplete\":false}}\0";
    pub(in crate::user_names) const NOT_FOUND: &[u8] =
        b"{\"error\":\"io.systemd.UserDatabase.NoRecordFound\",\"parameters\":{}}\0";

    #[test]
    fn a_record_counts_for_its_own_id_only() {
        assert_eq!(user_name(FOUND, 63_127).as_deref(), Some("lab-dynamic"));
        assert_eq!(user_name(FOUND, 63_128), None);
        assert_eq!(user_name(NOT_FOUND, 63_127), None);
        assert_eq!(user_name(&FOUND[..FOUND.len() - 1], 63_127), None, "cut off");
    }

    proptest! {
        #[test]
        fn any_reply_is_read_without_a_panic(reply: Vec<u8>, id: u32) {
            prop_assert_eq!(user_name(&reply, id), None);
        }
    }

    #[test]
    fn names_of_a_directory_service_are_read_and_made_harmless() {
        let printed = "anna@corp.example:*:70001:70001:Anna:/home/anna:/bin/bash\n\
            \x1b[31mred:*:70002:1::/:/bin/sh\nno id:*:x:1::/:\n:*:70003:1::/:\nalso:*:70001:1::/:\n";
        let names = printed_names(printed);
        assert_eq!(names.len(), 2);
        assert_eq!(names[&70_001], "anna@corp.example");
        assert!(!names[&70_002].contains('\x1b'), "{:?}", names[&70_002]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            prop_assert!(printed_names(&text).values().all(|name| !name.contains(char::is_control)));
        }
    }
}
