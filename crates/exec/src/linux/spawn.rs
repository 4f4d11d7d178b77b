//! Makes of a request what the platform starts, and of its failure the reason.

use crate::output::Pipe;
use crate::{Identity, Program, Request, RunError};
use infiniservice_platform::sanitize;
use infiniservice_platform::start::{self, ChildSetup, PreExecStep};
use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};

/// What a child reads and writes.
pub(super) struct Streams {
    pub(super) stdin: Stdio,
    pub(super) stdout: Stdio,
    pub(super) stderr: Stdio,
}

impl Streams {
    /// No input, and output to these, or else to the agent.
    pub(super) fn to(outputs: Option<[Stdio; 2]>) -> Self {
        let [stdout, stderr] = outputs.unwrap_or_else(|| [Stdio::piped(), Stdio::piped()]);
        Self { stdin: Stdio::null(), stdout, stderr }
    }

    /// No input, and both outputs into one pipe, with its end for the agent.
    pub(super) fn merged() -> io::Result<(Self, Option<Pipe>)> {
        let (reader, stdout) = io::pipe()?;
        let stderr = stdout.try_clone()?;
        let pipe = Pipe::of(Receiver::from_owned_fd(reader.into())?);
        Ok((Self { stdin: Stdio::null(), stdout: stdout.into(), stderr: stderr.into() }, Some(pipe)))
    }
}

/// Starts the program, which enters its containment by `join`; `tag` is a variable by which its processes are known.
pub(super) fn spawn(
    path: &Path,
    request: &Request,
    join: Option<File>,
    tag: Option<(&'static str, String)>,
    streams: Streams,
) -> Result<Child, RunError> {
    let mut command = Command::new(path);
    command.args(&request.arguments).current_dir("/");
    command.env_clear().env("LC_ALL", "C.UTF-8").env("PATH", SEARCH_PATH);
    command.envs(request.environment.iter().map(|(name, value)| (name, value)));
    command.envs(tag);
    let stdin = stdin(request, streams.stdin).map_err(|error| failed(&error, path, request))?;
    command.stdin(stdin).stdout(streams.stdout).stderr(streams.stderr);
    command.kill_on_drop(!request.outlives_the_agent);
    start::spawn(command, join, setup(request)?).map_err(|error| failed(&error, path, request))
}

/// What it is to read, from a file in memory, so that nobody waits for it to be read.
fn stdin(request: &Request, without_input: Stdio) -> io::Result<Stdio> {
    if request.input.is_empty() {
        return Ok(without_input);
    }
    let file = rustix::fs::memfd_create("input", rustix::fs::MemfdFlags::CLOEXEC)?;
    let mut file = File::from(file);
    file.write_all(&request.input)?;
    file.rewind()?;
    Ok(file.into())
}

fn setup(request: &Request) -> Result<ChildSetup, RunError> {
    let mut setup = ChildSetup::default();
    if let Some(Identity { uid, gid, groups }) = &request.identity {
        setup = setup.with_user(*uid, *gid, groups);
    }
    let Some(directory) = &request.directory else { return Ok(setup) };
    setup.with_directory(directory).map_err(|e| RunError::Directory {
        path: "with a NUL".into(),
        error: e.to_string(),
        kind: io::ErrorKind::InvalidInput,
    })
}

fn failed(error: &io::Error, program: &Path, request: &Request) -> RunError {
    match (PreExecStep::of(error), &request.identity, &request.directory) {
        (Some((PreExecStep::Identity, error)), Some(Identity { uid, .. }), _) => {
            RunError::Identity { uid: *uid, error: sanitize::reason(&error) }
        }
        (Some((PreExecStep::Directory, error)), _, Some(path)) => RunError::Directory {
            path: path.display().to_string(),
            error: sanitize::reason(&error),
            kind: error.kind(),
        },
        _ => RunError::NotStarted { program: program.display().to_string(), error: sanitize::reason(error) },
    }
}

/// Where programs are looked for, and the `PATH` that they get.
pub(super) const SEARCH_PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// The path of a program that may be started.
pub(super) fn locate(program: &Program) -> Result<PathBuf, RunError> {
    match program {
        Program::Named(name) => {
            let paths = SEARCH_PATH.split(':').map(|directory| Path::new(directory).join(name));
            let found = paths.into_iter().find(|path| is_executable(path));
            trusted(found.ok_or_else(|| RunError::NotInstalled((*name).to_owned()))?)
        }
        Program::At(path) if is_executable(path) && path.is_absolute() => trusted(path.clone()),
        Program::At(path) => Err(RunError::NotInstalled(path.display().to_string())),
    }
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|m| m.is_file() && m.mode() & 0o111 != 0)
}

/// Root starts nothing that others could have written.
fn trusted(path: PathBuf) -> Result<PathBuf, RunError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(path);
    }
    let why = match path.metadata() {
        Ok(m) if m.uid() != 0 => "it does not belong to root",
        Ok(m) if m.mode() & 0o022 != 0 => "users other than root may write to it",
        Ok(_) => return Ok(path),
        Err(_) => "it cannot be checked",
    };
    Err(RunError::Untrusted { path: path.display().to_string(), why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, chown};

    #[test]
    fn a_program_is_found_by_its_name_and_an_absent_one_is_named() {
        assert!(locate(&Program::Named("sh")).unwrap().is_absolute());
        assert_eq!(locate(&Program::Named("no-such")), Err(RunError::NotInstalled("no-such".into())));
        assert!(matches!(locate(&Program::At("sh".into())), Err(RunError::NotInstalled(_))));
    }

    #[test]
    fn root_starts_nothing_that_others_could_have_written() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("SKIPPED: not root");
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tool");
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        let located = |mode: u32, owner: u32| {
            chown(&path, Some(owner), None).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            locate(&Program::At(path.clone()))
        };
        assert!(located(0o755, 0).is_ok());
        assert!(matches!(located(0o775, 0), Err(RunError::Untrusted { .. })));
        assert!(matches!(located(0o757, 0), Err(RunError::Untrusted { .. })));
        assert!(matches!(located(0o755, 1000), Err(RunError::Untrusted { .. })));
        assert!(matches!(located(0o644, 0), Err(RunError::NotInstalled(_))));
    }
}
