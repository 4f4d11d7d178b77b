//! SSH keys of users: `.ssh/authorized_keys` in their homes, read and written with the user's own rights.
//!
//! Whatever a user puts in the place of a directory or file on the way leads only to what the user may read or write anyway; and
//! below the home no link is followed.

use crate::work::failed;
use infiniservice_platform::gate::Gate;
use infiniservice_platform::linux::accounts::Account;
use infiniservice_qga::reply::AuthorizedKeys;
use infiniservice_qga::{Error, Reply};
use rustix::fs::{AtFlags, Mode, OFlags, fchmod, fsync, mkdirat, open, openat, renameat, unlinkat};
use rustix::io::Errno;
use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::time::{SystemTime, UNIX_EPOCH};

/// Longest file of keys, in bytes: some thousand keys.
const MAX_BYTES: usize = 1 << 20;
/// Longest passwd(5).
const MAX_PASSWD_BYTES: u64 = 16 << 20;
/// Where sshd(8) looks by default.
const DIRECTORY: &str = ".ssh";
const FILE: &str = "authorized_keys";
/// What a user may have put there is neither followed nor waited for.
const WARY: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// What is asked of a user's keys.
#[derive(Debug)]
pub enum Wanted {
    /// `guest-ssh-get-authorized-keys`.
    List,
    /// `guest-ssh-add-authorized-keys`: beside those that are there, or in their place.
    Add(Vec<String>, bool),
    /// `guest-ssh-remove-authorized-keys`.
    Remove(Vec<String>),
}

/// Carries it out. Blocks its thread.
pub fn run(username: &str, wanted: Wanted) -> Result<Reply, Error> {
    let mut passwd = Vec::new();
    let read =
        File::open("/etc/passwd").and_then(|file| file.take(MAX_PASSWD_BYTES).read_to_end(&mut passwd));
    read.map_err(|error| failed("failed to read '/etc/passwd'", &error))?;
    let account = Account::find(&passwd, username)
        .ok_or_else(|| Error::generic(format!("failed to lookup user '{username}': no such user")))?;
    // A thread of its own: what it gave up it does not get back.
    let of_the_user = move || as_user(&account).and_then(|()| act(&account, &wanted));
    let thread = std::thread::Builder::new().name("user's keys".into()).spawn(of_the_user);
    let thread = thread.map_err(|error| failed("failed to start a thread", &error))?;
    thread.join().unwrap_or_else(|_| Err(Error::generic("the command failed inside the agent")))
}

/// Gives this thread the user's rights on files, and takes root's away. Real and saved ids stay root's, so that the user can
/// neither signal nor trace the thread (kill(2), ptrace(2)). An agent that is not root is nobody else already.
fn as_user(account: &Account) -> Result<(), Error> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let became = set_thread_groups(&[])
        .and_then(|()| set_thread_res_gid(None::<Gid>, Gid::from_raw(account.gid), None::<Gid>))
        .and_then(|()| set_thread_res_uid(None::<Uid>, Uid::from_raw(account.uid), None::<Uid>));
    became.map_err(|error| failed(format!("failed to become '{}'", account.name), &error.into()))
}

fn act(account: &Account, wanted: &Wanted) -> Result<Reply, Error> {
    let path = format!("{}/{DIRECTORY}/{FILE}", account.home);
    let reading = |error: io::Error| failed(format!("failed to read '{path}'"), &error);
    let writing = |error: io::Error| failed(format!("failed to write '{path}'"), &error);
    match wanted {
        Wanted::List => {
            let text = existing(account).and_then(|directory| read(&directory)).map_err(reading)?;
            Ok(Reply::AuthorizedKeys(AuthorizedKeys { keys: listed(&text) }))
        }
        Wanted::Add(keys, reset) => {
            let _pass = Gate::of_the_process().pass().map_err(|closed| Error::generic(closed.to_string()))?;
            let directory = made(account).map_err(writing)?;
            let old = if *reset { Vec::new() } else { or_nothing(read(&directory)).map_err(reading)? };
            replace(&directory, &added(&old, keys)).map(|()| Reply::EMPTY).map_err(writing)
        }
        Wanted::Remove(keys) => {
            let _pass = Gate::of_the_process().pass().map_err(|closed| Error::generic(closed.to_string()))?;
            match existing(account).and_then(|directory| Ok((read(&directory)?, directory))) {
                Ok((old, directory)) => {
                    replace(&directory, &removed(&old, keys)).map(|()| Reply::EMPTY).map_err(writing)
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Reply::EMPTY),
                Err(error) => Err(reading(error)),
            }
        }
    }
}

/// The home, wherever it lies: its path is root's word, and the user's rights hold on the way to it.
fn home(account: &Account) -> io::Result<OwnedFd> {
    Ok(open(account.home.as_str(), OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

/// The directory of keys, held from here on.
fn existing(account: &Account) -> io::Result<OwnedFd> {
    let flags = WARY | OFlags::RDONLY | OFlags::DIRECTORY;
    Ok(openat(home(account)?, DIRECTORY, flags, Mode::empty())?)
}

/// The same, made if it is not there. sshd(8) trusts it only if nobody else may write to it.
fn made(account: &Account) -> io::Result<OwnedFd> {
    match mkdirat(home(account)?, DIRECTORY, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let directory = existing(account)?;
    fchmod(&directory, Mode::RWXU)?;
    Ok(directory)
}

/// The file's bytes.
fn read(directory: &OwnedFd) -> io::Result<Vec<u8>> {
    let file = File::from(openat(directory, FILE, WARY | OFlags::RDONLY, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_BYTES { Err(too_large()) } else { Ok(bytes) }
}

fn or_nothing(read: io::Result<Vec<u8>>) -> io::Result<Vec<u8>> {
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    }
}

fn too_large() -> io::Error {
    io::Error::other(format!("a file of keys has {MAX_BYTES} bytes at most"))
}

/// Puts a new file in the place of the old one, so that nobody ever logs in by half of it.
fn replace(directory: &OwnedFd, bytes: &[u8]) -> io::Result<()> {
    if bytes.len() > MAX_BYTES {
        return Err(too_large());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let name = format!(".{FILE}.{now:x}");
    let written =
        write_new(directory, &name, bytes).and_then(|()| Ok(renameat(directory, &name, directory, FILE)?));
    if written.is_err() {
        let _there_is_none = unlinkat(directory, &name, AtFlags::empty());
    }
    written?;
    Ok(fsync(directory)?)
}

fn write_new(directory: &OwnedFd, name: &str, bytes: &[u8]) -> io::Result<()> {
    let flags = WARY | OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    let mode = Mode::RUSR | Mode::WUSR;
    let file = openat(directory, name, flags, mode)?;
    // The umask may have taken some of it.
    fchmod(&file, mode)?;
    let mut file = File::from(file);
    file.write_all(bytes)?;
    file.sync_all()
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.split(|byte| *byte == b'\n').filter(move |_| !text.is_empty())
}

/// The keys: neither comments nor blank lines.
fn listed(text: &[u8]) -> Vec<String> {
    let keys = lines(text).map(<[u8]>::trim_ascii).filter(|line| !line.is_empty() && !line.starts_with(b"#"));
    keys.map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

/// With these at the end, each once.
fn added(old: &[u8], keys: &[String]) -> Vec<u8> {
    let mut there: BTreeSet<&[u8]> = lines(old).collect();
    let fresh = keys.iter().map(String::as_bytes).filter(|key| there.insert(*key));
    joined(lines(old).chain(fresh))
}

/// Without these, but for what differs in a single byte.
fn removed(old: &[u8], keys: &[String]) -> Vec<u8> {
    let gone: BTreeSet<&[u8]> = keys.iter().map(String::as_bytes).collect();
    joined(lines(old).filter(|line| !gone.contains(line)))
}

fn joined<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    lines.flat_map(|line| [line, b"\n"]).flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
    use std::path::{Path, PathBuf};

    /// Nobody on any machine of the tests.
    const STRANGER: u32 = 54_321;

    fn account(home: &Path, uid: u32) -> Account {
        let home = home.to_str().unwrap().to_owned();
        Account { name: "ann".into(), uid, gid: uid, home, shell: "/bin/sh".into() }
    }

    fn me(home: &Path) -> Account {
        Account { gid: rustix::process::getegid().as_raw(), ..account(home, geteuid().as_raw()) }
    }

    fn keys(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// As [`run`] does it, for an account of the test.
    fn ask(account: &Account, wanted: Wanted) -> Result<Reply, String> {
        let account = account.clone();
        let of_the_user = move || as_user(&account).and_then(|()| act(&account, &wanted));
        std::thread::spawn(of_the_user).join().unwrap().map_err(|error| error.desc)
    }

    fn listed_of(account: &Account) -> Result<Vec<String>, String> {
        ask(account, Wanted::List).map(|reply| match reply {
            Reply::AuthorizedKeys(told) => told.keys,
            other => panic!("{other:?}"),
        })
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn keys_are_added_once_listed_without_comments_and_removed_by_the_whole_line() {
        let home = tempfile::tempdir().unwrap();
        let (ann, file) = (me(home.path()), home.path().join(".ssh/authorized_keys"));
        let absent = listed_of(&ann).unwrap_err();
        assert!(
            absent.starts_with("failed to read '") && absent.ends_with(": No such file or directory"),
            "{absent}"
        );
        assert_eq!(ask(&ann, Wanted::Remove(keys(&["a"]))), Ok(Reply::EMPTY));
        assert_eq!(ask(&ann, Wanted::Add(keys(&["a", "b", "a"]), false)), Ok(Reply::EMPTY));
        assert_eq!((mode(&home.path().join(".ssh")), mode(&file)), (0o700, 0o600));
        fs::write(&file, "# of ann\na\n\nb\n c").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
        ask(&ann, Wanted::Add(keys(&["b", "d"]), false)).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "# of ann\na\n\nb\n c\nd\n");
        assert_eq!(mode(&file), 0o600);
        assert_eq!(listed_of(&ann), Ok(keys(&["a", "b", "c", "d"])));
        ask(&ann, Wanted::Remove(keys(&["a", "c", "d d"]))).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "# of ann\n\nb\n c\nd\n");
        ask(&ann, Wanted::Add(keys(&["e"]), true)).unwrap();
        assert_eq!(listed_of(&ann), Ok(keys(&["e"])));
        ask(&ann, Wanted::Add(Vec::new(), true)).unwrap();
        assert_eq!(listed_of(&ann), Ok(Vec::new()));
        assert_eq!(fs::read_dir(home.path().join(".ssh")).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn no_link_pipe_or_endless_file_of_a_user_is_followed_waited_for_or_read() {
        let place = tempfile::tempdir().unwrap();
        let (home, other) = (place.path().join("home"), place.path().join("other"));
        fs::create_dir_all(&other).unwrap();
        fs::create_dir_all(&home).unwrap();
        fs::write(other.join("authorized_keys"), "secret\n").unwrap();
        let ann = me(&home);
        let refused = |what: &str| {
            for wanted in [Wanted::List, Wanted::Add(keys(&["k"]), false), Wanted::Remove(keys(&["secret"]))]
            {
                assert!(ask(&ann, wanted).is_err(), "{what}");
            }
            assert_eq!(fs::read_to_string(other.join("authorized_keys")).unwrap(), "secret\n", "{what}");
        };
        symlink(&other, home.join(".ssh")).unwrap();
        refused("a link in the place of the directory");
        fs::remove_file(home.join(".ssh")).unwrap();
        fs::create_dir(home.join(".ssh")).unwrap();
        let file: PathBuf = home.join(".ssh/authorized_keys");
        symlink(other.join("authorized_keys"), &file).unwrap();
        refused("a link in the place of the file");
        fs::remove_file(&file).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, &file, Mode::RWXU).unwrap();
        refused("a pipe");
        fs::remove_file(&file).unwrap();
        File::create(&file).unwrap().set_len(MAX_BYTES as u64 + 1).unwrap();
        refused("a file without end");
    }

    #[test]
    fn root_does_only_what_the_user_may_do_and_what_is_made_belongs_to_the_user() {
        if !geteuid().is_root() {
            eprintln!("SKIPPED: only root can become somebody");
            return;
        }
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), Permissions::from_mode(0o755)).unwrap();
        let (home, roots) = (place.path().join("home"), place.path().join("roots"));
        for directory in [&home, &roots] {
            fs::create_dir(directory).unwrap();
        }
        chown(&home, Some(STRANGER), Some(STRANGER)).unwrap();
        let ann = account(&home, STRANGER);
        ask(&ann, Wanted::Add(keys(&["k"]), false)).unwrap();
        for made in [".ssh", ".ssh/authorized_keys"] {
            let about = fs::metadata(home.join(made)).unwrap();
            assert_eq!((about.uid(), about.gid()), (STRANGER, STRANGER), "{made}");
        }
        assert_eq!(geteuid().as_raw(), 0, "only that thread gave its rights up");
        let denied = ask(&account(&roots, STRANGER), Wanted::Add(keys(&["k"]), false)).unwrap_err();
        assert!(denied.ends_with(": Permission denied"), "{denied}");
        fs::set_permissions(&roots, Permissions::from_mode(0o700)).unwrap();
        fs::create_dir(roots.join(".ssh")).unwrap();
        fs::write(roots.join(".ssh/authorized_keys"), "secret\n").unwrap();
        let unread = listed_of(&account(&roots, STRANGER)).unwrap_err();
        assert!(unread.ends_with(": Permission denied"), "{unread}");
    }

    #[test]
    fn a_user_that_is_not_there_is_named() {
        let told = run("no-such-user-x", Wanted::List).unwrap_err().desc;
        assert_eq!(told, "failed to lookup user 'no-such-user-x': no such user");
    }
}
