//! Who is logged in: from utmp(5), and where there is none from logind. Passwords are set by `chpasswd`, which knows the
//! system's rules.

use infiniservice_exec::{Cancellation, Request as Run, Runner};
use infiniservice_platform::blocking::{self, Lane};
use infiniservice_platform::linux::text::printable;
use infiniservice_platform::systemd::UnitClient;
use infiniservice_qga::limits::READ_BUDGET;
use infiniservice_qga::reply::User;
use infiniservice_qga::{Error, Reply};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;

const PATHS: [&str; 2] = ["/run/utmp", "/var/run/utmp"];
/// More of the file is not read.
const MAX_BYTES: u64 = 4 << 20;

/// `USER_PROCESS` of utmp(5): somebody's login.
const USER_PROCESS: u16 = 7;
const NAME_AT: usize = 44;
const NAME_BYTES: usize = 32;
/// Where one record ends, and its seconds and microseconds stand. Only a few architectures have wide times in it.
const WIDE: bool = cfg!(target_arch = "aarch64");
const RECORD_BYTES: usize = if WIDE { 400 } else { 384 };
const SECONDS_AT: usize = if WIDE { 344 } else { 340 };
const MICROSECONDS_AT: usize = if WIDE { 352 } else { 344 };

/// `guest-get-users`. A system that keeps no list has nobody logged in; that is no error.
pub async fn users(units: &UnitClient) -> Result<Reply, Error> {
    let file = blocking::run(Lane::Files, "utmp", READ_BUDGET, utmp).await;
    let users = match file {
        Ok(Ok(bytes)) => of_utmp(&bytes),
        _ => of_logind(units).await,
    };
    Ok(Reply::Users(users))
}

fn utmp() -> io::Result<Vec<u8>> {
    let mut file = PATHS.iter().find_map(|path| File::open(path).ok()).ok_or(io::ErrorKind::NotFound)?;
    let mut bytes = Vec::new();
    Read::take(&mut file, MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn of_utmp(bytes: &[u8]) -> Vec<User> {
    once(bytes.chunks_exact(RECORD_BYTES).filter_map(login))
}

async fn of_logind(units: &UnitClient) -> Vec<User> {
    let asked = tokio::time::timeout(READ_BUDGET, units.logged_in()).await;
    match asked {
        Ok(Ok(sessions)) => once(sessions.into_iter().map(|session| (session.user, session.since))),
        _ => Vec::new(),
    }
}

/// Name and microseconds since 1970 of a login.
fn login(record: &[u8]) -> Option<(String, u64)> {
    let kind = u16::from_ne_bytes(*record.first_chunk()?);
    let name = record.get(NAME_AT..)?.get(..NAME_BYTES)?.split(|byte| *byte == 0).next()?;
    if kind != USER_PROCESS || name.is_empty() {
        return None;
    }
    let number = |at: usize| Some(u64::from(u32::from_ne_bytes(*record.get(at..)?.first_chunk()?)));
    let since = number(SECONDS_AT)? * 1_000_000 + number(MICROSECONDS_AT)?;
    Some((printable(name, 4 * NAME_BYTES), since))
}

/// Each user once, since the first of his logins.
fn once(logins: impl Iterator<Item = (String, u64)>) -> Vec<User> {
    let mut first: BTreeMap<String, u64> = BTreeMap::new();
    for (user, since) in logins {
        first.entry(user).and_modify(|known| *known = since.min(*known)).or_insert(since);
    }
    let user = |(user, since)| User { user, login_time: since as f64 / 1e6, domain: None };
    first.into_iter().map(user).collect()
}

/// How long `chpasswd` may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// `guest-set-user-password`. Neither argument holds a newline: the session saw to that.
pub async fn set_password(
    runner: &dyn Runner,
    username: &str,
    password: &[u8],
    is_crypted: bool,
) -> Result<Reply, Error> {
    let mut run = Run::new("chpasswd", is_crypted.then_some("-e"));
    run.input = [username.as_bytes(), b":", password, b"\n"].concat();
    match runner.run(run, &Cancellation::for_at_most(TIMEOUT)).await {
        Ok(finished) if finished.succeeded() => Ok(Reply::EMPTY),
        // It names the user and the rule, never the password.
        Ok(finished) => {
            let said = finished.stderr.text.lines().next().unwrap_or_default().to_owned();
            Err(Error::generic(format!("failed to set the password: {said}")))
        }
        Err(error) => Err(Error::generic(format!("failed to set the password: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u16, name: &str, seconds: u32, microseconds: u32) -> Vec<u8> {
        let mut record = vec![0; RECORD_BYTES];
        record[..2].copy_from_slice(&kind.to_ne_bytes());
        record[NAME_AT..NAME_AT + name.len()].copy_from_slice(name.as_bytes());
        record[SECONDS_AT..SECONDS_AT + 4].copy_from_slice(&seconds.to_ne_bytes());
        record[MICROSECONDS_AT..MICROSECONDS_AT + 4].copy_from_slice(&microseconds.to_ne_bytes());
        record
    }

    #[test]
    fn each_user_is_told_once_since_his_first_login() {
        let file = [
            record(2, "reboot", 1, 0),
            record(7, "ann", 2_000, 500_000),
            record(8, "bob", 3, 0),
            record(7, "ann", 1_000, 250_000),
            record(7, "", 9, 0),
            vec![7; 100],
        ];
        let told = of_utmp(&file.concat());
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((told[0].user.as_str(), told[0].login_time), ("ann", 1_000.25));
    }
}
