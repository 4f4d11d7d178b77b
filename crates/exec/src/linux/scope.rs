//! A containment that does not end with the agent: a systemd scope beside the agent's own unit, for work that an end of the agent must
//! not cut short. apt may be installing the agent itself: its package's script restarts the agent, and what runs in the agent's
//! cgroup then ends with it.
//!
//! Between the program and the agent stands a relay for each stream (`tee -p /dev/null`). When the agent goes, the relay cannot
//! write to it any more, says nothing and reads on, so that the program neither dies by SIGPIPE nor waits for a full pipe. This
//! holds however the agent goes, also by a crash. The relays are the processes that systemd makes the scope of: they wait for
//! input, so that the program itself begins in a scope that is there already.

use super::spawn::{self, Streams, locate};
use crate::output::Pipe;
use crate::{Program, Request};
use infiniservice_platform::cgroup::{self, Cgroup};
use infiniservice_platform::systemd::{BusAddress, start_scope};
use rustix::process::Signal;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::process::Child;
use tokio::time::timeout;

/// Scope names count up over the agent's life.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// How long systemd may take; then the work is done in the agent's own cgroup.
const TIMEOUT: Duration = Duration::from_secs(15);

/// What `systemctl status` shows.
const DESCRIPTION: &str = "Package change of the InfiniService guest agent";

/// A scope with the relays in it. Dropped, it goes on: what changes packages is never cut short by the end of the agent, and
/// relays without a program end by themselves.
#[derive(Debug)]
pub(super) struct Scope {
    /// systemd removes it, once it is empty.
    group: Cgroup,
    relays: [Relay; 2],
}

impl Scope {
    /// Makes one by the systemd on `bus`; the error says why it cannot.
    pub(super) async fn open(bus: &BusAddress) -> Result<Self, String> {
        let relays = [Relay::start()?, Relay::start()?];
        let pids = [relays[0].pid()?, relays[1].pid()?];
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("infiniservice-package-{}-{number}.scope", std::process::id());
        let started =
            timeout(TIMEOUT, start_scope(bus, &name, DESCRIPTION, &pids, cgroup::tasks_max())).await;
        started.map_err(|_| "systemd takes too long".to_owned())?.map_err(|error| error.to_string())?;
        let path = cgroup::of(pids[0]).filter(|path| path.ends_with(&name));
        let path: PathBuf = path.ok_or_else(|| format!("the processes are not in the scope {name}"))?;
        log::debug!("the package change has a scope of its own: {}", path.display());
        let scope = Self { group: Cgroup::at(path), relays };
        // Where the agent may not write there (ProtectControlGroups=), the program would begin outside of it.
        scope.join_fd().map_err(|error| format!("cannot enter the scope {name}: {error}"))?;
        Ok(scope)
    }

    pub(super) fn join_fd(&self) -> io::Result<File> {
        self.group.join_fd()
    }

    /// What the program writes to, in place of the agent's pipes.
    pub(super) fn inputs(&mut self) -> Option<[Stdio; 2]> {
        let [out, err] = &mut self.relays;
        Some([out.input.take()?, err.input.take()?])
    }

    /// Where the agent reads what it wrote.
    pub(super) fn outputs(&mut self) -> [Option<Pipe>; 2] {
        self.relays.each_mut().map(|relay| relay.child.stdout.take().map(Into::into))
    }

    /// Asks all to end but the relays, which end with their input: what the others still say is to be heard.
    pub(super) fn terminate(&self) {
        let relays = self.relays.each_ref().map(|relay| relay.child.id());
        self.group.signal_all_but(&relays, Signal::TERM);
    }

    pub(super) fn kill(&self) {
        self.group.kill();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.group.is_empty()
    }

    pub(super) async fn emptied(&self) {
        self.group.emptied().await;
    }
}

/// Passes on one stream.
#[derive(Debug)]
struct Relay {
    child: Child,
    input: Option<Stdio>,
}

impl Relay {
    fn start() -> Result<Self, String> {
        let path = locate(&Program::Named("tee")).map_err(|error| error.to_string())?;
        let (reader, writer) = io::pipe().map_err(|error| error.to_string())?;
        // With a second output, which never fails, it goes on when the first one does (tee(1), coreutils 8.24).
        let request = Request::new("tee", ["-p", "/dev/null"]).outliving_the_agent();
        let streams = Streams { stdin: reader.into(), stdout: Stdio::piped(), stderr: Stdio::null() };
        let child = spawn::spawn(&path, &request, None, None, streams).map_err(|e| e.to_string())?;
        Ok(Self { child, input: Some(writer.into()) })
    }

    fn pid(&self) -> Result<u32, String> {
        self.child.id().ok_or_else(|| "a relay ended at once".to_owned())
    }
}
