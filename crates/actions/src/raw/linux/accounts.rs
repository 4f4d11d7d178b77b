//! One user in passwd(5) and group(5). No NSS: a directory service that hangs, or that an attacker answers for, must not decide as
//! whom a command runs. Users that only such a service knows are therefore unknown here.

use infiniservice_exec::Identity;

/// The number that means "leave it as it is" to setresuid(2): never anybody's.
const NOBODY_AT_ALL: u32 = u32::MAX;
/// Supplementary groups that Linux takes (`NGROUPS_MAX`).
const MAX_GROUPS: usize = 65_536;

/// A line of passwd(5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) home: String,
    pub(super) shell: String,
}

impl Account {
    /// The first line of this name, as with getpwnam(3).
    pub(super) fn find(passwd: &[u8], name: &str) -> Option<Self> {
        let text = String::from_utf8_lossy(passwd);
        let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
        Self::parse(line)
    }

    fn parse(line: &str) -> Option<Self> {
        let fields: Vec<_> = line.split(':').collect();
        let [name, _, uid, gid, _, home, shell] = fields[..] else { return None };
        let (uid, gid) = (number(uid)?, number(gid)?);
        let text = |text: &str, default: &str| if text.is_empty() { default } else { text }.to_owned();
        Some(Self { name: name.to_owned(), uid, gid, home: text(home, "/"), shell: text(shell, "/bin/sh") })
    }

    /// With its groups: the primary one and those that name the user as a member.
    pub(super) fn identity(&self, group: &[u8]) -> Identity {
        let text = String::from_utf8_lossy(group);
        let named = text.lines().filter_map(|line| member(line, &self.name));
        let mut groups: Vec<u32> = std::iter::once(self.gid).chain(named).collect();
        groups.sort_unstable();
        groups.dedup();
        groups.truncate(MAX_GROUPS);
        Identity { uid: self.uid, gid: self.gid, groups }
    }
}

/// The group's number where the user is a member.
fn member(line: &str, user: &str) -> Option<u32> {
    let mut fields = line.split(':').skip(2);
    let (gid, members) = (fields.next()?, fields.next()?);
    if members.split(',').any(|member| member.trim() == user) { number(gid) } else { None }
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number != NOBODY_AT_ALL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/bash\n\
        daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n\
        lab:x:1000:1000:Lab,,,:/home/lab:\n\
        lab:x:0:0:again:/root:/bin/sh\n\
        bad:x:-1:7::/:/bin/sh\nall:x:4294967295:7::/:/bin/sh\nword:x:many:7::/:/bin/sh\n\
        torn:x:7\n+::::::\n\xff\xfe:x:8:8::/:\n";
    const GROUP: &[u8] =
        b"root:x:0:\nadm:x:4:syslog,lab\nlab:x:1000:\nsudo:x:27:lab,\nfar:x:4294967295:lab\n\
        slab:x:5:slab,labs\ntorn:x\n";

    #[test]
    fn the_first_line_of_a_name_counts_and_empty_fields_have_their_defaults() {
        let lab = Account::find(PASSWD, "lab").unwrap();
        assert_eq!(
            (lab.uid, lab.gid, lab.home.as_str(), lab.shell.as_str()),
            (1000, 1000, "/home/lab", "/bin/sh")
        );
        assert_eq!(Account::find(PASSWD, "daemon").unwrap().shell, "/usr/sbin/nologin");
    }

    #[test]
    fn nobody_is_found_by_a_line_that_is_not_whole_or_by_a_number_that_means_nobody() {
        for name in ["bad", "all", "word", "torn", "+", "", "Lab", "la", "1000", "absent"] {
            assert_eq!(Account::find(PASSWD, name), None, "{name}");
        }
    }

    #[test]
    fn the_groups_are_the_primary_one_and_those_with_the_user_as_a_member() {
        let identity = Account::find(PASSWD, "lab").unwrap().identity(GROUP);
        assert_eq!(identity, Identity { uid: 1000, gid: 1000, groups: vec![4, 27, 1000] });
        let alone = Account::find(PASSWD, "daemon").unwrap().identity(b"");
        assert_eq!(alone.groups, [1]);
    }

    proptest! {
        #[test]
        fn any_files_give_an_account_of_the_asked_name_or_none(passwd: Vec<u8>, group: Vec<u8>, name in "[a-z]{1,3}") {
            if let Some(account) = Account::find(&passwd, &name) {
                prop_assert_eq!(&account.name, &name);
                prop_assert!(account.identity(&group).groups.contains(&account.gid));
            }
        }
    }
}
