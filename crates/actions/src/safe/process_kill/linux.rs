//! Ends a process by its pidfd: once it is open, the number cannot come to mean another process (`pidfd_open(2)`).

use infiniservice_exec::{Cancellation, CommandError, CommandOutcome, CommandResult};
use infiniservice_platform::blocking::{self, Blocked, Lane};
use infiniservice_platform::linux::procfs;
use infiniservice_platform::reactor_unsafe::{Registered, register};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::data::ProcessKillData;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::time::Duration;

/// How long a process may take to follow SIGTERM.
const TERM_WAIT: Duration = Duration::from_secs(5);
/// How long the kernel may take to end a process after SIGKILL; one in an uninterruptible read takes longer.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// How long a look at the process may take; the kernel answers from memory.
const LOOK: Duration = Duration::from_secs(1);

/// One process, held so that it cannot be mistaken.
struct Target {
    pid: u32,
    fd: Registered,
    stat: Stat,
}

/// Sends SIGTERM and waits for the exit; with `force` then SIGKILL.
pub(in crate::safe) async fn run(pid: u32, force: bool, cancellation: &Cancellation) -> CommandResult {
    let target = Target::open(pid).await?;
    target.refuse_protected()?;
    target.signal(Signal::TERM)?;
    if target.stat.state == b'T' {
        // A stopped process sees SIGTERM only once it goes on.
        target.signal(Signal::CONT)?;
    }
    if target.exits_within(TERM_WAIT, cancellation).await? {
        return CommandOutcome::of(&target.data("SIGTERM", true));
    }
    if !force {
        return Err(target.still_there("SIGTERM", "`force` then sends SIGKILL"));
    }
    target.signal(Signal::KILL)?;
    if target.exits_within(KILL_WAIT, cancellation).await? {
        return CommandOutcome::of(&target.data("SIGKILL", true));
    }
    Err(target
        .still_there("SIGKILL", "it hangs in the kernel, most likely on a device or network file system"))
}

impl Target {
    async fn open(pid: u32) -> Result<Self, CommandError> {
        let raw = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(|| not_found(pid))?;
        let fd = pidfd_open(raw, PidfdFlags::NONBLOCK).map_err(|e| refused(pid, e))?;
        // Read only now: the descriptor pins the process that the number meant when it was opened.
        let stat = look_at(pid).await.ok_or_else(|| not_found(pid))?;
        let fd = register(fd).map_err(|e| internal(&e))?;
        Ok(Self { pid, fd, stat })
    }

    fn refuse_protected(&self) -> Result<(), CommandError> {
        let name = &self.stat.name;
        let refuse = |why: String| Err(CommandError::new(ErrorCode::PermissionDenied, why));
        if self.stat.ended() {
            let error =
                format!("process {} ({name}) has already ended; its parent has not yet reaped it", self.pid);
            return Err(CommandError::new(ErrorCode::NotFound, error));
        }
        match self.pid {
            1 => refuse(format!("process 1 ({name}) is the init process; the agent does not end it")),
            pid if pid == std::process::id() => {
                refuse("this is the agent itself; it does not end itself".into())
            }
            pid if self.stat.kernel_thread => {
                refuse(format!("process {pid} ({name}) is a kernel thread, which ignores signals"))
            }
            _ => Ok(()),
        }
    }

    /// A process that is gone by now counts as signalled: the wait tells that it exited.
    fn signal(&self, signal: Signal) -> Result<(), CommandError> {
        match pidfd_send_signal(self.fd.get_ref(), signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(errno) => Err(refused(self.pid, errno)),
        }
    }

    /// Whether it ends within `limit`, of which the command's own time leaves at most four fifths.
    async fn exits_within(&self, limit: Duration, cancellation: &Cancellation) -> Result<bool, CommandError> {
        let limit = limit.min(cancellation.remaining() * 4 / 5);
        let exit = tokio::time::timeout(limit, self.fd.readable());
        Ok(cancellation.run_until_cancelled(exit).await?.is_ok())
    }

    fn data(&self, signal: &str, exited: bool) -> ProcessKillData {
        ProcessKillData { pid: self.pid, name: self.stat.name.clone(), signal: signal.into(), exited }
    }

    fn still_there(&self, signal: &str, advice: &str) -> CommandError {
        let error =
            format!("process {} ({}) is still running after {signal}; {advice}", self.pid, self.stat.name);
        let data = serde_json::to_value(self.data(signal, false)).unwrap_or_default();
        CommandError::new(ErrorCode::ExecutionFailed, error).with_data(data)
    }
}

/// What is known of the process; `None` where it is gone. One in the middle of an execve(2) that does not end cannot be
/// looked at, but can be ended: then only its name is told, which the kernel gives without a lock.
async fn look_at(pid: u32) -> Option<Stat> {
    if let Ok(line) = read_within(format!("/proc/{pid}/stat")).await {
        return procfs::Stat::parse(&line.ok()?).ok().map(Stat::from);
    }
    let name = read_within(format!("/proc/{pid}/comm")).await.ok().and_then(Result::ok);
    Some(Stat::unseen(&name.unwrap_or_default()))
}

async fn read_within(path: String) -> Result<std::io::Result<Vec<u8>>, Blocked> {
    let name = path.clone();
    blocking::run(Lane::Processes, &name, LOOK, move || std::fs::read(path)).await
}

fn not_found(pid: u32) -> CommandError {
    CommandError::new(ErrorCode::NotFound, format!("there is no process {pid}"))
}

fn internal(error: &std::io::Error) -> CommandError {
    CommandError::new(ErrorCode::Internal, format!("cannot wait for a process: {error}"))
}

fn refused(pid: u32, errno: Errno) -> CommandError {
    let (code, error) = match errno {
        Errno::SRCH => return not_found(pid),
        // A thread's number: EINVAL, ENOENT since Linux 6.9.
        Errno::INVAL | Errno::NOENT => (ErrorCode::NotFound, format!("{pid} is a thread, not a process")),
        Errno::PERM => {
            (ErrorCode::PermissionDenied, format!("the system does not allow the agent to end process {pid}"))
        }
        Errno::NOSYS => (ErrorCode::Unsupported, "needs pidfd (Linux 5.3 or newer)".into()),
        other => (ErrorCode::ExecutionFailed, format!("cannot signal process {pid}: {other}")),
    };
    CommandError::new(code, error)
}

/// The few fields that decide whether a process may be ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// As the kernel has it, at most 15 bytes.
    pub(super) name: String,
    /// `R`, `S`, `D`, `T`, `Z`, …
    pub(super) state: u8,
    /// Runs inside the kernel; signals do nothing to it.
    pub(super) kernel_thread: bool,
}

impl Stat {
    /// A process that cannot be looked at; `comm` is its name as the kernel gives it.
    pub(super) fn unseen(comm: &[u8]) -> Self {
        let name = String::from_utf8_lossy(comm.trim_ascii_end()).into_owned();
        Self { name, state: b'?', kernel_thread: false }
    }

    /// Ended, and only kept until its parent asks for its exit status.
    pub(super) fn ended(&self) -> bool {
        procfs::is_zombie(self.state)
    }
}

impl From<procfs::Stat<'_>> for Stat {
    fn from(stat: procfs::Stat<'_>) -> Self {
        let name = String::from_utf8_lossy(stat.name).into_owned();
        Self { name, state: stat.state, kernel_thread: stat.is_kernel }
    }
}
