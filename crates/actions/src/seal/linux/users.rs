//! Accounts of people and their homes. Root's are never touched, nothing is removed through a link or on another mount, and a home
//! that belongs to somebody else stays.

use super::super::{Made, STEP_MAX, Work};
use super::programs::{run, succeeded};
use crate::cleanup::homes::Home;
use crate::cleanup::{beneath, open_home};
use infiniservice_platform::blocking::{self, Lane};
use infiniservice_platform::linux::accounts::{self, entries, numbers_of_users};
use rustix::fs::{AtFlags, Dir, unlinkat};
use rustix::io::Errno;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

/// Directories inside each other that are gone into.
const MAX_DEPTH: usize = 200;

/// One to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Account {
    name: String,
    home: Option<Home>,
}

/// Removes them all with userdel(8), each before its home: it refuses one who is logged in.
pub(super) async fn remove(work: &Work<'_>) -> Made {
    let people = reading().await?;
    for account in &people {
        let Some(finished) = run(work, "userdel", &["--", &account.name]).await? else {
            return Err("userdel is not installed".into());
        };
        succeeded(&finished, &format!("userdel {}", account.name))?;
        if let Some(home) = account.home.clone() {
            on_disk(move || remove_home(Path::new("/"), &home)).await?;
        }
    }
    match reading().await?.first() {
        Some(left) => Err(format!("the account {} is still there", left.name)),
        None => Ok(format!("{} accounts removed", people.len())),
    }
}

async fn reading() -> Result<Vec<Account>, String> {
    on_disk(|| people(Path::new("/"))).await
}

async fn on_disk<T: Send + 'static>(
    step: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let done = blocking::run(Lane::Walks, "accounts and homes", STEP_MAX, step).await;
    done.unwrap_or_else(|blocked| Err(blocked.to_string()))
}

/// The accounts of passwd(5) whose numbers are people's.
fn people(root: &Path) -> Result<Vec<Account>, String> {
    let passwd = accounts::read(&root.join("etc/passwd")).map_err(|error| format!("/etc/passwd: {error}"))?;
    let login_defs =
        accounts::login_defs(root).map_err(|(path, error)| format!("{path} cannot be read: {error}"))?;
    let numbers = numbers_of_users(&login_defs);
    let of_people = entries(&passwd).filter(|entry| entry.id != 0 && numbers.contains(&entry.id));
    of_people
        .map(|entry| {
            let name = String::from_utf8_lossy(entry.name).into_owned();
            let fit = |c: char| c.is_ascii_alphanumeric() || "._-$".contains(c);
            if name.starts_with('-') || !name.chars().all(fit) {
                return Err(format!("the account {name:?} has a name that userdel would not take"));
            }
            Ok(Account { name, home: home(entry.home(), entry.id) })
        })
        .collect()
}

/// Below the root, by a plain path.
fn home(path: Option<&[u8]>, uid: u32) -> Option<Home> {
    let path = String::from_utf8_lossy(path?).into_owned();
    let path = path.strip_prefix('/')?.trim_matches('/');
    let plain = !path.is_empty() && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    plain.then(|| Home { path: path.to_owned(), uid })
}

fn remove_home(root: &Path, home: &Home) -> Result<(), String> {
    let told = |error: io::Error| format!("/{}: {error}", home.path);
    let base = File::open(root).map_err(told)?;
    let path = root.join(&home.path);
    if fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) {
        return Ok(());
    }
    // Not there, or somebody else's.
    let Some(fd) = open_home(&base, home) else { return Ok(()) };
    if is_mount(&path) {
        return Err(format!("/{} is a mount; what is in it was left", home.path));
    }
    empty(fd.as_fd(), 0).map_err(|errno| told(errno.into()))?;
    fs::remove_dir(&path).map_err(told)
}

/// Whether it lies on another file system than what it lies in.
fn is_mount(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let device = |path: &Path| fs::symlink_metadata(path).map(|found| found.dev()).ok();
    path.parent().is_none_or(|parent| device(path) != device(parent))
}

/// Removes all that is in a held directory. A mount ends it (`XDEV`).
fn empty(directory: impl AsFd, depth: usize) -> Result<(), Errno> {
    if depth > MAX_DEPTH {
        return Err(Errno::LOOP);
    }
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        match unlinkat(&directory, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::ISDIR | Errno::PERM) => {
                let inner = beneath::same_mount(&directory, name.to_bytes())?;
                empty(&inner, depth + 1)?;
                unlinkat(&directory, name, AtFlags::REMOVEDIR)?;
            }
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt as _, symlink};

    #[test]
    fn people_are_those_between_the_numbers_of_login_defs_and_never_root() {
        let tree = tempfile::tempdir().expect("a directory");
        fs::create_dir_all(tree.path().join("etc")).expect("made");
        let passwd = "root:x:0:0::/root:/bin/sh\nsys:x:3:3::/:/bin/sh\nada:x:1000:1::/home/ada:/bin/sh\n\
            toor:x:0:0::/home/toor:/bin/sh\nodd:x:1001:1::/home/../etc:/bin/sh\nnobody:x:65534:1::/:/bin/sh\n";
        fs::write(tree.path().join("etc/passwd"), passwd).expect("written");
        fs::write(tree.path().join("etc/login.defs"), "UID_MIN 0\n").expect("written");
        let found = people(tree.path()).expect("read");
        let names: Vec<_> = found.iter().map(|account| account.name.as_str()).collect();
        assert_eq!(names, ["sys", "ada", "odd"]);
        assert_eq!((found[0].home.as_ref(), found[2].home.as_ref()), (None, None));
        fs::write(tree.path().join("etc/passwd"), "a b:x:1000:1::/home/a:/bin/sh\n").expect("written");
        assert!(people(tree.path()).expect_err("refused").contains("\"a b\""));
    }

    #[test]
    fn a_home_goes_with_all_in_it_and_what_its_links_lead_to_stays() {
        let tree = tempfile::tempdir().expect("a directory");
        let home = tree.path().join("home/ada");
        fs::create_dir_all(home.join("deep/deeper")).expect("made");
        fs::create_dir(tree.path().join("kept")).expect("made");
        fs::write(tree.path().join("kept/file"), "x").expect("written");
        fs::write(home.join("deep/deeper/file"), "x").expect("written");
        symlink(tree.path().join("kept"), home.join("link")).expect("linked");
        let uid = fs::metadata(&home).expect("there").uid();
        let of = |path: &str, uid| Home { path: path.into(), uid };
        remove_home(tree.path(), &of("home/ada", uid + 1)).expect("somebody else's stays");
        assert!(home.exists());
        symlink("ada", tree.path().join("home/bob")).expect("linked");
        remove_home(tree.path(), &of("home/bob", uid)).expect("a link stays");
        assert!(home.join("deep").exists());
        remove_home(tree.path(), &of("home/ada", uid)).expect("removed");
        assert!(!home.exists() && tree.path().join("kept/file").exists());
        remove_home(tree.path(), &of("home/none", uid)).expect("nothing to remove");
    }
}
