//! Accounts of people out of passwd(5), group(5), shadow(5) and login.defs(5).

use super::Found;
use infiniservice_platform::linux::accounts::{Entry, Shadow, entries, numbers_of_users};
use infiniservice_platform::linux::text::printable;
use infiniservice_platform::sanitize::description;
use infiniservice_protocol::data::UserInfo;
use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

/// Longest login name that is told, in bytes (`LOGIN_NAME_MAX`).
const MAX_NAME_BYTES: usize = 256;
/// Most accounts kept.
const MAX_USERS: usize = 10_000;
/// Groups whose members become root by sudo(8): Debian's, and Red Hat's and SUSE's.
const ADMINISTRATORS: [&[u8]; 2] = [b"sudo", b"wheel"];
/// Programs instead of a shell that end a login at once (nologin(8), false(1)).
const NO_SHELLS: [&[u8]; 2] = [b"nologin", b"false"];
/// The files' texts.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) passwd: Vec<u8>,
    pub(super) group: Vec<u8>,
    /// `None` where it may not be read.
    pub(super) shadow: Option<Vec<u8>>,
    pub(super) login_defs: Vec<u8>,
}

impl Files {
    /// Root's accounts and those of users who can log in, in the order of their numbers. `day`: today, in days since 1970.
    pub(super) fn people(&self, day: u64) -> Found {
        let (range, administrators) = (numbers_of_users(&self.login_defs), Administrators::of(&self.group));
        let shadow = self.shadow.as_deref().map(Shadow::of_all).into_iter().flatten();
        let active: HashMap<_, _> = shadow.map(|one| (one.name, one.is_active(day))).collect();
        let mut seen = HashSet::new();
        let mut people: Vec<_> = entries(&self.passwd)
            .filter(|entry| seen.insert(entry.name) && is_person(entry, &range))
            .take(MAX_USERS + 1)
            .map(|entry| account(&entry, &administrators, active.get(entry.name).copied()))
            .collect();
        let cut = people.len() > MAX_USERS;
        people.truncate(MAX_USERS);
        people.sort_by_key(|user| user.uid);
        let incomplete = cut.then(|| format!("only the first {MAX_USERS} accounts were read"));
        Found { users: people, incomplete: incomplete.into_iter().collect() }
    }
}

fn account(entry: &Entry<'_>, administrators: &Administrators<'_>, is_active: Option<bool>) -> UserInfo {
    UserInfo {
        name: printable(entry.name, MAX_NAME_BYTES),
        uid: Some(entry.id),
        sid: None,
        full_name: description(&String::from_utf8_lossy(entry.full_name())),
        is_admin: entry.id == 0 || administrators.have(entry),
        is_active,
    }
}

/// A sign in front stands for users of a directory service.
fn is_person(entry: &Entry<'_>, users: &RangeInclusive<u32>) -> bool {
    !entry.name.starts_with(b"+")
        && !entry.name.starts_with(b"-")
        && (entry.id == 0 || users.contains(&entry.id))
        && entry.shell().is_some_and(is_login_shell)
}

fn is_login_shell(shell: &[u8]) -> bool {
    let name = shell.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    !NO_SHELLS.contains(&name)
}

/// Who is in one of [`ADMINISTRATORS`].
#[derive(Debug, Default)]
struct Administrators<'a> {
    groups: HashSet<u32>,
    members: HashSet<&'a [u8]>,
}

impl<'a> Administrators<'a> {
    fn of(group: &'a [u8]) -> Self {
        let mut found = Self::default();
        for entry in entries(group).filter(|entry| ADMINISTRATORS.contains(&entry.name)) {
            found.groups.insert(entry.id);
            found.members.extend(entry.members());
        }
        found
    }

    fn have(&self, user: &Entry<'_>) -> bool {
        self.members.contains(user.name)
            || user.primary_group().is_some_and(|group| self.groups.contains(&group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/bash\n\
        daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n\
        grace:x:1002:27:Grace Hopper:/home/grace:\n\
        ada:x:1000:1000:Ada Lovelace,,,:/home/ada:/bin/bash\n\
        ada:x:0:0:again:/root:/bin/sh\n\
        backup:x:1001:1001::/home/backup:/sbin/nologin\n\
        git:x:1003:1003::/home/git:/bin/false\n\
        al.turing:x:1004:1004::/home/al:/bin/zsh\n\
        nobody:x:65534:65534:nobody:/nonexistent:/bin/sh\n\
        +far:x:1005:1005::/:/bin/sh\ntorn:x:1006:1006\nall:x:4294967295:1::/:/bin/sh\n";
    const GROUP: &[u8] = b"root:x:0:\nsudo:x:27:ada\nwheel:x:10:al.turing,\nadm:x:4:grace\n";
    const SHADOW: &[u8] = b"root:*:19000:0:99999:7:::\nada:$y$x:19000:0:99999:7:::\n\
        grace:$y$x:19000:0:99999:7::19500:\n";

    fn files(login_defs: &str) -> Files {
        Files {
            passwd: PASSWD.to_vec(),
            group: GROUP.to_vec(),
            shadow: Some(SHADOW.to_vec()),
            login_defs: login_defs.as_bytes().to_vec(),
        }
    }

    fn names(files: &Files) -> Vec<String> {
        files.people(20_000).users.into_iter().map(|user| user.name).collect()
    }

    #[test]
    fn root_and_users_with_a_login_shell_are_listed_by_number_and_the_first_line_of_a_name_counts() {
        assert_eq!(names(&files("")), ["root", "ada", "grace", "al.turing"]);
        let people = files("").people(20_000);
        assert_eq!((people.users[1].uid, people.incomplete.len()), (Some(1000), 0));
        assert_eq!(people.users[1].full_name, "Ada Lovelace");
    }

    #[test]
    fn the_range_of_users_is_that_of_login_defs() {
        let wide = "# UID_MIN 5\nUID_MIN\t\t 1001\nUID_MAX 70000\nSYS_UID_MIN 100\n";
        assert_eq!(names(&files(wide)), ["root", "grace", "al.turing", "nobody"]);
        assert_eq!(names(&files("UID_MIN many\nUID_MAX 4294967295\n")).len(), 5);
    }

    #[test]
    fn administrators_are_root_and_the_members_of_sudo_and_wheel() {
        let administrators: Vec<_> =
            files("").people(20_000).users.into_iter().map(|user| user.is_admin).collect();
        assert_eq!(administrators, [true, true, true, true]);
        let none = Files { group: b"adm:x:4:grace\n".to_vec(), ..files("") };
        let administrators: Vec<_> = none.people(0).users.into_iter().map(|user| user.is_admin).collect();
        assert_eq!(administrators, [true, false, false, false]);
    }

    #[test]
    fn a_locked_or_expired_account_is_not_active_and_one_that_shadow_does_not_tell_is_unknown() {
        let active = |files: &Files| -> Vec<_> {
            files.people(20_000).users.into_iter().map(|user| user.is_active).collect()
        };
        assert_eq!(active(&files("")), [Some(false), Some(true), Some(false), None]);
        assert_eq!(active(&Files { shadow: None, ..files("") }), [None; 4]);
    }

    #[test]
    fn a_file_of_too_many_users_is_cut_and_that_is_said() {
        let lines: Vec<_> = (0..=MAX_USERS).map(|n| format!("u{n}:x:{}:1::/:\n", 1000 + n)).collect();
        let found = Files { passwd: lines.concat().into_bytes(), ..Files::default() }.people(0);
        assert_eq!((found.users.len(), found.incomplete.len()), (MAX_USERS, 1));
    }

    proptest! {
        #[test]
        fn any_files_give_names_fit_for_a_line(passwd in "([a-z+:0-9\n,\u{1b}é/]|:x:1000:1000:|::){0,60}", login_defs in "(UID_M(IN|AX)|[ \t\n0-9a]){0,20}") {
            let text = passwd.into_bytes();
            let files = Files { passwd: text.clone(), group: text.clone(), shadow: Some(text), login_defs: login_defs.into_bytes() };
            for user in files.people(1).users {
                prop_assert!(!user.name.chars().chain(user.full_name.chars()).any(char::is_control));
            }
        }
    }
}
