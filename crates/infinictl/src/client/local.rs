//! An agent of our own on a pseudo-terminal.

use crate::sys::{self, terminate};
use std::env::consts::EXE_SUFFIX;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tempfile::NamedTempFile;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// What is kept of the agent's log, in bytes.
const KEPT_LOG_BYTES: usize = 4096;
/// How long an agent may take to end in order.
const END_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the rest of an ended agent's log may take.
const LOG_TIMEOUT: Duration = Duration::from_millis(500);

/// The agent that [`super::Endpoint::Local`] starts: `AGENT --console --device PTY --config CONFIG ARGS…`, in an
/// environment of nothing but what every program needs (`LC_ALL`; on Windows `SystemRoot` and the like) and `env`.
#[derive(Clone, Debug)]
pub struct LocalAgent {
    /// The program; when absent `infiniservice` beside this program, or one directory above it.
    pub agent: Option<PathBuf>,
    /// Its configuration file; when absent an empty one, so that this machine's own does not count.
    pub config: Option<PathBuf>,
    /// Further arguments.
    pub args: Vec<OsString>,
    /// Its environment.
    pub env: Vec<(OsString, OsString)>,
    /// Where its log goes.
    pub log: AgentLog,
    /// How long to wait for its first byte; then it is spoken to all the same.
    pub start_timeout: Duration,
}

impl Default for LocalAgent {
    fn default() -> Self {
        Self {
            agent: None,
            config: None,
            args: Vec::new(),
            env: Vec::new(),
            log: AgentLog::Tail,
            start_timeout: Duration::from_secs(5),
        }
    }
}

/// Where a local agent's standard error goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AgentLog {
    /// Only the end of it is kept, for the sentence that says why the agent ended.
    #[default]
    Tail,
    /// To our own standard error.
    Inherit,
    /// Appended to a file.
    File(PathBuf),
}

/// The end of an agent's log.
type LogTail = Arc<Mutex<Vec<u8>>>;

/// A running agent.
pub(super) struct Running {
    pub(super) child: Child,
    tail: LogTail,
    keeper: Option<JoinHandle<()>>,
    _config: NamedTempFile,
}

impl Running {
    /// The last line of the agent's log, once it has ended and all of the log was read. A child of its own may still
    /// hold the log open, so that is not waited for without end.
    pub(super) async fn last_words(&mut self) -> Option<String> {
        if let Some(keeper) = &mut self.keeper {
            let _read_or_late = tokio::time::timeout(LOG_TIMEOUT, keeper).await;
        }
        last_line(&self.tail)
    }
}

/// Starts the agent on `device`.
pub(super) fn start(agent: &LocalAgent, device: &Path) -> io::Result<Running> {
    let program = find_agent(agent.agent.as_deref())?;
    let mut command = Command::new(&program);
    command.arg("--console").arg("--device").arg(device);
    let empty = tempfile::Builder::new().prefix("infinictl-").suffix(".toml").tempfile()?;
    command.arg("--config").arg(agent.config.as_deref().unwrap_or(empty.path())).args(&agent.args);
    command.env_clear().envs(sys::environment()).envs(agent.env.iter().cloned());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log_target(&agent.log)?).kill_on_drop(true);
    let mut child = sys::spawn(&mut command).map_err(|e| explain(&e, &program))?;
    let tail = LogTail::default();
    let keeper = child.stderr.take().map(|stderr| tokio::spawn(keep_tail(stderr, Arc::clone(&tail))));
    Ok(Running { child, tail, keeper, _config: empty })
}

/// Waits for the agent's end, or ends it in order when asked to.
pub(super) async fn supervise(child: &mut Child, stop: oneshot::Receiver<()>) -> io::Result<ExitStatus> {
    tokio::select! {
        status = child.wait() => return status,
        Ok(()) = stop => {}
    }
    terminate(child);
    match tokio::time::timeout(END_TIMEOUT, child.wait()).await {
        Ok(status) => status,
        Err(_late) => {
            child.start_kill()?;
            child.wait().await
        }
    }
}

/// The last line of the log that is not blank, for an error's sentence.
fn last_line(tail: &LogTail) -> Option<String> {
    let bytes = tail.lock().unwrap_or_else(PoisonError::into_inner);
    let text = String::from_utf8_lossy(&bytes);
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}

fn log_target(log: &AgentLog) -> io::Result<Stdio> {
    Ok(match log {
        AgentLog::Tail => Stdio::piped(),
        AgentLog::Inherit => Stdio::inherit(),
        AgentLog::File(path) => File::options().create(true).append(true).open(path)?.into(),
    })
}

async fn keep_tail(mut stderr: ChildStderr, tail: LogTail) {
    let mut chunk = [0; 1024];
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        let mut kept = tail.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(chunk.get(..count).unwrap_or_default());
        let surplus = kept.len().saturating_sub(KEPT_LOG_BYTES);
        kept.drain(..surplus);
    }
}

/// The agent's program: as given, or beside this program, or (for tests, which cargo puts one deeper) above it.
fn find_agent(given: Option<&Path>) -> io::Result<PathBuf> {
    if let Some(path) = given {
        return Ok(path.to_owned());
    }
    let own = std::env::current_exe()?;
    let candidates =
        own.ancestors().skip(1).take(2).map(|dir| dir.join(format!("infiniservice{EXE_SUFFIX}")));
    candidates.clone().find(|path| path.is_file()).ok_or_else(|| {
        let looked: Vec<_> = candidates.map(|path| path.display().to_string()).collect();
        io::Error::other(format!(
            "there is no agent at {}; specify its path with --agent",
            looked.join(" or ")
        ))
    })
}

fn explain(error: &io::Error, program: &Path) -> io::Error {
    io::Error::new(error.kind(), format!("the agent {} does not start: {error}", program.display()))
}
