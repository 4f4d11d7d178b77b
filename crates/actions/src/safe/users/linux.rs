//! Reads the account files of this machine.

use super::Found;
use super::files::Files;
use infiniservice_exec::{Cancellation, CommandError};
use infiniservice_platform::blocking::{self, Lane};
use infiniservice_platform::linux::accounts;
use infiniservice_platform::sanitize::reason;
use infiniservice_protocol::ErrorCode;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long the files may take.
const TIMEOUT: Duration = Duration::from_secs(5);
const SECS_IN_DAY: u64 = 86_400;

/// The accounts, read away from the main thread.
pub(super) async fn find(cancellation: &Cancellation) -> Result<Found, CommandError> {
    let look = || people(Path::new("/"), SystemTime::now());
    let reading = blocking::run(Lane::Files, "/etc/passwd", TIMEOUT, look);
    let read = cancellation.run_until_cancelled(reading).await?;
    read.map_err(|blocked| failed(blocked.to_string()))?
}

fn failed(error: String) -> CommandError {
    CommandError::new(ErrorCode::ExecutionFailed, error)
}

/// Without `shadow`, which only root may read, the rest is told; without the others a list would be a guess.
fn people(root: &Path, now: SystemTime) -> Result<Found, CommandError> {
    let shadow = accounts::read(&root.join("etc/shadow"));
    let unknown = shadow
        .as_ref()
        .err()
        .map(|error| format!("/etc/shadow could not be read, so is_active is not known: {}", reason(error)));
    let files = Files {
        passwd: accounts::read(&root.join("etc/passwd")).map_err(|error| unread("/etc/passwd", &error))?,
        group: if_there(root, "etc/group")?,
        shadow: shadow.ok(),
        login_defs: accounts::login_defs(root).map_err(|(path, error)| unread(&path, &error))?,
    };
    let day = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / SECS_IN_DAY;
    let mut found = files.people(day);
    found.incomplete.extend(unknown);
    Ok(found)
}

/// Empty where it is not there.
fn if_there(root: &Path, path: &str) -> Result<Vec<u8>, CommandError> {
    match accounts::read(&root.join(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(|error| unread(&format!("/{path}"), &error)),
    }
}

fn unread(path: &str, error: &io::Error) -> CommandError {
    failed(format!("{path} could not be read: {}", reason(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn without_passwd_there_is_no_list_and_without_shadow_it_is_told_what_is_unknown() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("usr/etc")).unwrap();
        fs::create_dir_all(root.path().join("etc")).unwrap();
        let now = UNIX_EPOCH + Duration::from_secs(20_000 * SECS_IN_DAY);
        let missing = people(root.path(), now).unwrap_err();
        assert!(missing.error.starts_with("/etc/passwd could not be read: "), "{missing}");
        fs::write(root.path().join("etc/passwd"), "ada:x:500:500:Ada:/home/ada:/bin/sh\n").unwrap();
        fs::write(root.path().join("usr/etc/login.defs"), "UID_MIN 500\n").unwrap();
        let found = people(root.path(), now).unwrap();
        assert_eq!((found.users[0].name.as_str(), found.users[0].is_active), ("ada", None));
        assert!(found.incomplete[0].starts_with("/etc/shadow could not be read, so"), "{found:?}");
        fs::write(root.path().join("etc/shadow"), "ada:x:1:0:9:7::20001:\n").unwrap();
        let found = people(root.path(), now).unwrap();
        assert_eq!((found.users[0].is_active, found.incomplete.len()), (Some(true), 0));
        fs::create_dir(root.path().join("etc/group")).unwrap();
        assert!(people(root.path(), now).unwrap_err().error.starts_with("/etc/group could not be read"));
    }
}
