//! Users and groups of passwd(5), group(5) and shadow(5). No NSS: a directory service that hangs, or that an attacker answers for,
//! has no say here; users that only such a service knows are unknown.

use super::text::{lines, printable, unsigned, words};
use std::fs::File;
use std::io::{self, Read};
use std::ops::RangeInclusive;
use std::path::Path;

/// The number that means "leave it as it is" to setresuid(2): never anybody's.
const NOBODY_AT_ALL: u32 = u32::MAX;
/// Longest login name kept.
const MAX_NAME_BYTES: usize = 256;
/// Most users kept.
const MAX_USERS: usize = 10_000;
/// Supplementary groups that Linux takes (`NGROUPS_MAX`).
const MAX_GROUPS: usize = 65_536;
/// Longest file that is read, in bytes: a hundred thousand users' worth.
pub const MAX_FILE_BYTES: u64 = 8 << 20;

/// One of these files as a whole. Of a longer one than [`MAX_FILE_BYTES`] nothing is taken: a user who stands beyond would be
/// unknown, or short of groups.
///
/// # Errors
/// It cannot be read, or is too long.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if read as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other(format!("it is longer than {MAX_FILE_BYTES} bytes")));
    }
    Ok(bytes)
}

/// Where login.defs(5) is: the administrator's, and that of distributions whose defaults are below `/usr`.
const LOGIN_DEFS: [&str; 2] = ["etc/login.defs", "usr/etc/login.defs"];

/// login.defs(5) below this root; empty where there is none.
///
/// # Errors
/// One is there and cannot be read, with its path: which accounts are people's is unknown then.
pub fn login_defs(root: &Path) -> Result<Vec<u8>, (String, io::Error)> {
    for path in LOGIN_DEFS {
        match read(&root.join(path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err((format!("/{path}"), error)),
            Ok(bytes) => return Ok(bytes),
        }
    }
    Ok(Vec::new())
}

/// `UID_MIN` and `UID_MAX` where login.defs(5) does not name them.
const USERS: RangeInclusive<u32> = 1000..=60_000;

/// The numbers of people's accounts, by login.defs(5). Nobody's number (`u32::MAX`, setresuid(2)) is never in it.
pub fn numbers_of_users(login_defs: &[u8]) -> RangeInclusive<u32> {
    let least = number_of(login_defs, b"UID_MIN").unwrap_or(*USERS.start());
    let most = number_of(login_defs, b"UID_MAX").unwrap_or(*USERS.end());
    least..=most.min(NOBODY_AT_ALL - 1)
}

/// The last line of a name counts.
fn number_of(login_defs: &[u8], name: &[u8]) -> Option<u32> {
    let values = lines(login_defs).filter_map(|(_, line)| {
        let mut words = words(line);
        words.next().filter(|word| *word == name).and_then(|_| words.next())
    });
    values.last().and_then(unsigned).and_then(|number| u32::try_from(number).ok())
}

/// What lines of passwd(5) and of group(5) begin with: a name, a password, a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Never empty.
    pub name: &'a [u8],
    /// The user's or the group's.
    pub id: u32,
    rest: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Reads a line; `None` for a comment and for what is not understood.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let mut fields = line.splitn(4, |byte| *byte == b':');
        let name = fields.next().filter(|name| !name.is_empty() && !name.starts_with(b"#"))?;
        let id = number(fields.nth(1)?)?;
        Some(Self { name, id, rest: fields.next().unwrap_or_default() })
    }

    /// A user's primary group.
    pub fn primary_group(&self) -> Option<u32> {
        self.fields().next().and_then(number)
    }

    /// What a user is called by people: the first part of the comment (GECOS).
    pub fn full_name(&self) -> &'a [u8] {
        let comment = self.fields().nth(1).unwrap_or_default();
        comment.split(|byte| *byte == b',').next().unwrap_or_default()
    }

    /// A user's home directory.
    pub fn home(&self) -> Option<&'a [u8]> {
        self.fields().nth(2)
    }

    /// What a login starts: empty means `/bin/sh`; `None` where the line is not whole.
    pub fn shell(&self) -> Option<&'a [u8]> {
        self.fields().nth(3)
    }

    /// The members that a group names.
    pub fn members(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let members = self.fields().next().unwrap_or_default();
        members.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
    }

    /// Whether a group names this user as a member.
    fn has_member(&self, user: &[u8]) -> bool {
        self.members().any(|member| member == user)
    }

    fn fields(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.rest.split(|byte| *byte == b':')
    }
}

fn number(field: &[u8]) -> Option<u32> {
    u32::try_from(unsigned(field)?).ok()
}

/// The entries of a file; lines that are not understood are passed over.
pub fn entries(text: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    lines(text).filter_map(|(_, line)| Entry::parse(line))
}

/// What a line of shadow(5) says of its user's account; of the password no more is looked at than its first character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shadow<'a> {
    /// Never empty.
    pub name: &'a [u8],
    /// Whether no password fits: it begins with `!` or `*`, as for `passwd -S`.
    locked: bool,
    /// In days since 1970.
    expires: Option<u64>,
}

impl<'a> Shadow<'a> {
    /// The users of a file; lines that are not understood are passed over.
    pub fn of_all(shadow: &'a [u8]) -> impl Iterator<Item = Self> + use<'a> {
        lines(shadow).filter_map(|(_, line)| Self::parse(line))
    }

    fn parse(line: &'a [u8]) -> Option<Self> {
        let mut fields = line.split(|byte| *byte == b':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let locked = matches!(fields.next()?, [b'!' | b'*', ..]);
        // 0 is "no expiration" to some programs and 1970 to others.
        let expires = fields.nth(5).and_then(unsigned).filter(|day| *day > 0);
        Some(Self { name, locked, expires })
    }

    /// Whether the account is neither locked nor expired on this day, in days since 1970.
    pub fn is_active(&self, day: u64) -> bool {
        !self.locked && self.expires.is_none_or(|expires| day < expires)
    }
}

/// The name of an id, in the first line that has it, as with getpwuid(3).
pub fn name_of(text: &[u8], id: u32) -> Option<String> {
    entries(text).find(|entry| entry.id == id).map(|entry| printable(entry.name, MAX_NAME_BYTES))
}

/// The id of a name: that of its first line, as with getpwnam(3).
pub fn id_of(text: &[u8], name: &str) -> Option<u32> {
    Entry::parse(line_of(text, name)?).map(|entry| entry.id)
}

fn line_of<'a>(text: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let is_it = |line: &&[u8]| line.split(|byte| *byte == b':').next() == Some(name.as_bytes());
    lines(text).map(|(_, line)| line).find(is_it)
}

/// Login names by user id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Sorted by id; the first entry of an id counts.
    names: Vec<(u32, Box<str>)>,
}

impl Names {
    /// Reads `/etc/passwd`.
    pub fn parse(passwd: &[u8]) -> Self {
        let text = |entry: Entry<'_>| (entry.id, printable(entry.name, MAX_NAME_BYTES).into());
        let mut names: Vec<_> = entries(passwd).map(text).take(MAX_USERS).collect();
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

/// A user as whom something may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// To log in.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// `/` where the file has none.
    pub home: String,
    /// `/bin/sh` where the file has none.
    pub shell: String,
}

impl Account {
    /// The first line of this name, as with getpwnam(3); it must be whole.
    pub fn find(passwd: &[u8], name: &str) -> Option<Self> {
        let entry = Entry::parse(line_of(passwd, name)?)?;
        let fields: Vec<_> = entry.fields().collect();
        let [gid, _, home, shell] = fields[..] else { return None };
        let (uid, gid) = (somebody(entry.id)?, number(gid).and_then(somebody)?);
        let text = |field: &[u8], default: &str| match field {
            [] => default.to_owned(),
            field => String::from_utf8_lossy(field).into_owned(),
        };
        Some(Self { name: name.to_owned(), uid, gid, home: text(home, "/"), shell: text(shell, "/bin/sh") })
    }

    /// The primary group and those of group(5) that name the user as a member, in order.
    pub fn groups(&self, group: &[u8]) -> Vec<u32> {
        let named = entries(group).filter(|entry| entry.has_member(self.name.as_bytes()));
        let named = named.filter_map(|entry| somebody(entry.id));
        let mut groups: Vec<u32> = std::iter::once(self.gid).chain(named).collect();
        groups.sort_unstable();
        groups.dedup();
        groups.truncate(MAX_GROUPS);
        groups
    }
}

fn somebody(id: u32) -> Option<u32> {
    Some(id).filter(|id| *id != NOBODY_AT_ALL)
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
        assert_eq!(Account::find(PASSWD, "lab").unwrap().groups(GROUP), [4, 27, 1000]);
        assert_eq!(Account::find(PASSWD, "daemon").unwrap().groups(b""), [1]);
    }

    #[test]
    fn an_account_is_active_unless_it_is_locked_or_has_expired() {
        let shadow = b"a:$y$x:19000:0:99999:7:::\nb:!$y$x:19000:0:99999:7:::\nc:*:19000::::::\n\
            d:$y$x:19000:0:99999:7::20000:\ne:::::::0:\ntorn\n:x:1\n";
        let active = |day| -> String {
            let all = Shadow::of_all(shadow).filter(|one| one.is_active(day));
            all.map(|one| String::from_utf8_lossy(one.name).into_owned()).collect()
        };
        assert_eq!((active(19_999), active(20_000)), ("ade".to_owned(), "ae".to_owned()));
        assert_eq!(Shadow::of_all(shadow).count(), 5);
    }

    #[test]
    fn the_comment_is_a_name_up_to_its_first_comma() {
        let lab = entries(PASSWD).find(|entry| entry.name == b"lab").unwrap();
        assert_eq!(
            (lab.full_name(), lab.shell(), lab.primary_group()),
            (&b"Lab"[..], Some(&b""[..]), Some(1000))
        );
        let torn = Entry::parse(b"torn:x:7:8:Torn").unwrap();
        assert_eq!((torn.full_name(), torn.shell()), (&b"Torn"[..], None));
    }

    #[test]
    fn names_and_ids_are_found_in_both_files() {
        assert_eq!((name_of(GROUP, 27).as_deref(), name_of(GROUP, 7)), (Some("sudo"), None));
        assert_eq!(
            (id_of(PASSWD, "lab"), id_of(PASSWD, "bad"), id_of(GROUP, "adm")),
            (Some(1000), None, Some(4))
        );
    }

    #[test]
    fn the_first_name_of_an_id_counts_and_unknown_ids_have_none() {
        let names = Names::parse(
            b"root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/:\n#c:x:5:5\nbad\nwww:x:33:33::/:\n",
        );
        assert_eq!((names.name(0), names.name(33), names.name(5)), (Some("root"), Some("www"), None));
    }

    proptest! {
        #[test]
        fn any_files_give_an_account_of_the_asked_name_or_none(passwd: Vec<u8>, group: Vec<u8>, name in "[a-z]{1,3}") {
            let names = Names::parse(&passwd);
            prop_assert_ne!(names.name(0), Some(""));
            prop_assert!(Shadow::of_all(&passwd).all(|one| !one.name.is_empty()));
            if let Some(account) = Account::find(&passwd, &name) {
                prop_assert_eq!(&account.name, &name);
                prop_assert!(account.groups(&group).contains(&account.gid));
            }
        }
    }
}
