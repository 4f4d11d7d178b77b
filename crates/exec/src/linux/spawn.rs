//! Makes of a request what the platform starts, and of its failure the reason.

use super::locate::SEARCH_PATH;
use crate::{Identity, Request, RunError};
use infiniservice_platform::one_line;
use infiniservice_platform::start::{self, Entering, Stage};
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Stdio;
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
}

/// Starts the program, which goes behind its fence by `entrance`; `tag` is a variable by which its processes are known.
pub(super) fn spawn(
    path: &Path,
    request: &Request,
    entrance: Option<File>,
    tag: Option<(&'static str, String)>,
    streams: Streams,
) -> Result<Child, RunError> {
    let mut command = Command::new(path);
    command.args(&request.arguments).current_dir("/");
    command.env_clear().env("LC_ALL", "C.UTF-8").env("PATH", SEARCH_PATH);
    command.envs(request.environment.iter().map(|(name, value)| (name, value)));
    command.envs(tag);
    command.stdin(streams.stdin).stdout(streams.stdout).stderr(streams.stderr);
    command.kill_on_drop(!request.outlives_the_agent);
    start::spawn(command, entrance, entering(request)?).map_err(|error| failed(&error, path, request))
}

fn entering(request: &Request) -> Result<Entering, RunError> {
    let mut entering = Entering::default();
    if let Some(Identity { uid, gid, groups }) = &request.identity {
        entering = entering.with_user(*uid, *gid, groups);
    }
    let Some(directory) = &request.directory else { return Ok(entering) };
    entering.with_directory(directory).map_err(|e| RunError::Directory {
        path: "with a NUL".into(),
        error: e.to_string(),
        kind: io::ErrorKind::InvalidInput,
    })
}

fn failed(error: &io::Error, program: &Path, request: &Request) -> RunError {
    match (Stage::of(error), &request.identity, &request.directory) {
        (Some((Stage::Identity, error)), Some(Identity { uid, .. }), _) => {
            RunError::Identity { uid: *uid, error: one_line::reason(&error) }
        }
        (Some((Stage::Directory, error)), _, Some(path)) => RunError::Directory {
            path: path.display().to_string(),
            error: one_line::reason(&error),
            kind: error.kind(),
        },
        _ => RunError::NotStarted { program: program.display().to_string(), error: one_line::reason(error) },
    }
}
