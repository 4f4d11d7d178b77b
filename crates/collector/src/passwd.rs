//! Login names from `/etc/passwd` (passwd(5)).
//!
//! A user that only a directory service knows is [`crate::user_names`]' matter.

use super::text::{lines, printable, unsigned};

/// Longest login name kept.
const MAX_NAME_BYTES: usize = 256;
/// Most users kept.
const MAX_USERS: usize = 10_000;

/// Names by user id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Users {
    /// Sorted by id; the first entry of an id counts, as with `getpwuid(3)`.
    names: Vec<(u32, Box<str>)>,
}

impl Users {
    /// Reads `/etc/passwd`; lines that are not understood are passed over.
    pub fn parse(text: &[u8]) -> Self {
        let mut names: Vec<_> = lines(text).filter_map(|(_, line)| entry(line)).take(MAX_USERS).collect();
        names.sort_by_key(|(id, _)| *id);
        names.dedup_by_key(|(id, _)| *id);
        names.shrink_to_fit();
        Self { names }
    }

    /// The login name.
    pub fn name(&self, id: u32) -> Option<&str> {
        let at = self.names.binary_search_by_key(&id, |(known, _)| *known).ok()?;
        self.names.get(at).map(|(_, name)| &**name)
    }
}

fn entry(line: &[u8]) -> Option<(u32, Box<str>)> {
    let mut fields = line.split(|b| *b == b':');
    let name = fields.next().filter(|name| !name.is_empty() && !name.starts_with(b"#"))?;
    let id = fields.nth(1).and_then(unsigned)?;
    Some((u32::try_from(id).ok()?, printable(name, MAX_NAME_BYTES).into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_name_of_an_id_counts_and_unknown_ids_have_none() {
        let users = Users::parse(
            b"root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/:\n#c:x:5:5\nbad\nwww:x:33:33::/:\n",
        );
        assert_eq!((users.name(0), users.name(33), users.name(5)), (Some("root"), Some("www"), None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, id: u32) {
            let users = Users::parse(&bytes);
            prop_assert_ne!(users.name(id), Some(""));
        }
    }
}
