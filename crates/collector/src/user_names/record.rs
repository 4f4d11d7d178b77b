//! What systemd's user database replies: JSON with a user's record, <https://systemd.io/USER_RECORD>.

use infiniservice_platform::one_line;
use serde_json::Value;

/// The name in a reply, if it is about this id; an error (`NoRecordFound`) has none.
pub(super) fn user_name(reply: &[u8], id: u32) -> Option<String> {
    let reply: Value = serde_json::from_slice(reply.strip_suffix(b"\0")?).ok()?;
    let record = reply.pointer("/parameters/record")?;
    let is_it = record.get("uid").and_then(Value::as_u64) == Some(id.into());
    let name = record.get("userName").and_then(Value::as_str).filter(|name| is_it && !name.is_empty())?;
    Some(one_line::description(name))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// For a unit with `DynamicUser=yes`, after the documentation; the tests in the machine see the real one.
    pub(in super::super) const FOUND: &[u8] = b"{\"parameters\":{\"record\":{\"userName\":\"lab-dynamic\",\"uid\":63127,\"gid\":63127,\
        \"realName\":\"Dynamic User\",\"homeDirectory\":\"/\",\"shell\":\"/usr/sbin/nologin\",\"locked\":true,\
        \"service\":\"io.systemd.DynamicUser\",\"disposition\":\"dynamic\"},\"incomplete\":false}}\0";
    pub(in super::super) const NOT_FOUND: &[u8] =
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
}
