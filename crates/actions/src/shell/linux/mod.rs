//! Raw commands on Linux: a shell's text, as root or as a user of this machine.

#[cfg(test)]
mod check_tests;
pub(super) mod file;
#[cfg(test)]
mod tests;

use super::{Prepared, RawCommand};
use crate::shell::invalid;
use file::TextFile;
use infiniservice_exec::{Cancellation, CommandError, Identity, Program, Request};
use infiniservice_platform::blocking::{self, Lane};
use infiniservice_platform::linux::accounts::{self, Account};
use infiniservice_protocol::ErrorCode;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Whether two names are those of one environment variable.
pub(super) fn is_same_variable(one: &str, other: &str) -> bool {
    one == other
}

/// What is to be run.
pub(super) async fn request(
    command: RawCommand,
    cancellation: &Cancellation,
) -> Result<Prepared, CommandError> {
    let user = match command.run_as.clone() {
        Some(name) => Some(cancellation.run_until_cancelled(look_up(name)).await??),
        None => None,
    };
    if !command.in_file {
        return Ok(Prepared { request: plan(command, user, None), file: None });
    }
    let (text, identity) = (command.text.clone(), user.as_ref().map(|user| user.identity.clone()));
    let write = move || TextFile::write(&text, identity.as_ref());
    let written = blocking::run(Lane::Starts, "a script's file", TIMEOUT, write).await;
    let file = written
        .map_err(|blocked| blocked.to_string())
        .and_then(|file| file.map_err(|error| error.to_string()))
        .map_err(|why| {
            let error = format!("the text cannot be put into a file: {why}");
            CommandError::new(ErrorCode::ExecutionFailed, error)
        })?;
    Ok(Prepared { request: plan(command, user, Some(file.path())), file: Some(file) })
}

/// The user's variables come first, so that `env_vars` may replace them.
fn plan(command: RawCommand, user: Option<User>, file: Option<&Path>) -> Request {
    let request = match file {
        Some(path) => Request::new("sh", [path]),
        // `--`, as a text may begin with a dash.
        None => Request::new("sh", ["-c", "--", &command.text]),
    };
    let mut request = Request { program: Program::Named(command.shell), ..request };
    request.directory = command.directory;
    if let Some(user) = user {
        request.environment = user.environment;
        request.identity = Some(user.identity);
    }
    request
        .environment
        .extend(command.environment.into_iter().map(|(name, value)| (name.into(), value.into())));
    request
}

/// What is longer than this, in bytes, goes into a file, as does no other text of a raw command.
pub(super) fn needs_file(text: &str, _shell: &str) -> bool {
    text.len() > MAX_ARGUMENT_BYTES
}

/// Longest login name (`LOGIN_NAME_MAX`).
const MAX_USER_BYTES: usize = 256;

/// `sh` where none is asked for: it is there on every Linux.
pub(super) fn shell(asked: Option<&str>) -> Result<&'static str, CommandError> {
    match asked.unwrap_or("sh") {
        "sh" => Ok("sh"),
        "bash" => Ok("bash"),
        other => {
            let error =
                format!("the shell {other:?} exists on Windows only; `shell` must be bash or sh here");
            Err(CommandError::new(ErrorCode::Unsupported, error))
        }
    }
}

/// A name as it can stand in passwd(5); a sign in front has a meaning of its own in some such files.
pub(super) fn check_user(name: &str) -> Result<(), CommandError> {
    let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, ':' | '/' | ',');
    if name.len() >= MAX_USER_BYTES {
        return Err(invalid(format!(
            "`run_as` must be shorter than {MAX_USER_BYTES} bytes, not {}",
            name.len()
        )));
    }
    if name.starts_with(['-', '+', '#']) || name.contains(odd) {
        return Err(invalid(format!("`run_as` must be a login name such as \"nobody\", not {name:?}")));
    }
    Ok(())
}

/// How long a file may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Longest text that is an argument; execve(2) takes little more.
const MAX_ARGUMENT_BYTES: usize = 100_000;
/// The agent's own user by the word that other platforms have for it.
const SYSTEM: &str = "system";
const ROOT: &str = "root";

/// As whom a command runs, and what tells it so.
#[derive(Clone, Debug, PartialEq, Eq)]
struct User {
    identity: Identity,
    environment: Vec<(OsString, OsString)>,
}

impl From<(Account, &[u8])> for User {
    fn from((account, group): (Account, &[u8])) -> Self {
        let (uid, gid, groups) = (account.uid, account.gid, account.groups(group));
        let identity = Identity { uid, gid, groups };
        let name = account.name;
        let variables =
            [("HOME", account.home), ("USER", name.clone()), ("LOGNAME", name), ("SHELL", account.shell)];
        let environment = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { identity, environment }
    }
}

/// Looks a user up in this machine's files, away from the main thread.
async fn look_up(name: String) -> Result<User, CommandError> {
    let find = move || find(&name, &read("/etc/passwd")?, &read("/etc/group")?);
    let found = blocking::run(Lane::Files, "/etc/passwd", TIMEOUT, find).await;
    found.map_err(|blocked| CommandError::new(ErrorCode::ExecutionFailed, blocked.to_string()))?
}

fn read(path: &str) -> Result<Vec<u8>, CommandError> {
    match accounts::read(Path::new(path)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(CommandError::new(ErrorCode::ExecutionFailed, format!("{path} cannot be read: {e}")))
        }
        read => Ok(read.unwrap_or_default()),
    }
}

fn find(name: &str, passwd: &[u8], group: &[u8]) -> Result<User, CommandError> {
    let found = Account::find(passwd, name);
    let is_system = name.eq_ignore_ascii_case(SYSTEM) || name == ROOT;
    let found = found.or_else(|| is_system.then(|| root(passwd)));
    let account = found.ok_or_else(|| {
        let error = format!("`run_as`: there is no user {name:?} in /etc/passwd");
        CommandError::new(ErrorCode::NotFound, error)
    })?;
    Ok((account, group).into())
}

/// Also where the file does not know it.
fn root(passwd: &[u8]) -> Account {
    Account::find(passwd, ROOT).unwrap_or_else(|| Account {
        name: ROOT.into(),
        uid: 0,
        gid: 0,
        home: "/root".into(),
        shell: "/bin/sh".into(),
    })
}

#[cfg(test)]
mod user_tests {
    use super::*;

    const PASSWD: &[u8] =
        b"root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n";

    fn variable(user: &User, name: &str) -> String {
        let found = user.environment.iter().find(|(known, _)| known == name).unwrap();
        found.1.to_string_lossy().into_owned()
    }

    #[test]
    fn a_file_of_a_hundred_megabytes_is_refused_and_not_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(100 << 20).unwrap();
        let error = read(file.path().to_str().unwrap()).unwrap_err();
        assert!(error.to_string().contains("longer than"), "{error}");
        file.as_file().set_len(accounts::MAX_FILE_BYTES).unwrap();
        assert!(read(file.path().to_str().unwrap()).is_ok());
    }

    #[test]
    fn a_user_gets_his_own_variables() {
        let user = find("nobody", PASSWD, b"").unwrap();
        assert_eq!(user.identity, Identity { uid: 65534, gid: 65534, groups: vec![65534] });
        let told = ["HOME", "USER", "LOGNAME", "SHELL"].map(|name| variable(&user, name));
        assert_eq!(told, ["/nonexistent", "nobody", "nobody", "/usr/sbin/nologin"]);
    }

    #[test]
    fn root_and_system_are_the_agent_itself_in_a_machine_without_such_a_file_too() {
        for (name, passwd) in
            [("root", PASSWD), ("system", PASSWD), ("SYSTEM", PASSWD), ("root", b""), ("System", b"")]
        {
            let user = find(name, passwd, b"").unwrap();
            assert_eq!((user.identity.uid, variable(&user, "USER").as_str()), (0, "root"), "{name}");
        }
    }

    #[test]
    fn an_unknown_user_is_named() {
        let error = find("nobdy", PASSWD, b"").unwrap_err();
        assert_eq!(error.code, ErrorCode::NotFound);
        assert!(error.error.contains("\"nobdy\""), "{error}");
    }
}
