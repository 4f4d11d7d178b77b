//! What a program and all its descendants cannot leave: a cgroup of their own, or else the agent's eye on the process table.

use super::delegation::{divide, own_delegated};
use super::process_tree::{Subreaper, Tree};
use super::scope::Scope;
use crate::containment::{self, Containment, Hold};
use crate::output::Pipe;
use crate::{Request, Status};
use infiniservice_platform::cgroup::OwnedCgroup;
use infiniservice_platform::systemd::BusAddress;
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long an answer waits for killed processes to go: milliseconds as a rule, seconds for hundreds on a slow machine. It ends
/// before the time that the executor gives a command to end.
const ENDING: Duration = Duration::from_secs(2);
/// When those that are still there are killed once more: one that was forked meanwhile may have been missed.
const AGAIN: Duration = Duration::from_millis(200);

/// Makes containments.
#[derive(Debug)]
pub(super) struct Containments {
    /// The cgroup below which groups may be made.
    parent: Option<PathBuf>,
    /// The systemd that makes scopes: where the agent is its service.
    systemd: Option<BusAddress>,
    subreaper: Arc<Subreaper>,
}

impl Containments {
    /// cgroups where systemd delegated the agent's own (`Delegate=yes`); else the process table.
    pub(super) fn of_the_agent() -> Self {
        let delegated = own_delegated().map(|unit| divide(&unit, std::process::id()));
        match &delegated {
            Ok(path) => log::debug!("each command gets a cgroup below {}", path.display()),
            Err(why) if containment::is_expected() => {
                log::warn!("{}: {why}", containment::WITHOUT_CGROUPS);
                containment::report_missing(why);
            }
            Err(why) => log::debug!("the agent finds commands' processes in the process table: {why}"),
        }
        let parent = delegated.ok();
        containment::report_hold(if parent.is_some() { Hold::Cgroups } else { Hold::ProcessTable });
        let systemd = parent.is_some().then(BusAddress::default);
        // Beside groups and scopes the agent has other children than a tree's.
        let subreaper = match &parent {
            Some(_) => Subreaper::others_have_children_too(),
            None => Subreaper::of_the_agent(),
        };
        Self { parent, systemd, subreaper: Arc::new(subreaper) }
    }

    /// Groups below `parent`.
    #[cfg(test)]
    pub(super) fn below(parent: PathBuf) -> Self {
        Self {
            parent: Some(parent),
            systemd: None,
            subreaper: Arc::new(Subreaper::others_have_children_too()),
        }
    }

    /// The process table, in a process that has other children as well.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn by_process_table() -> Self {
        Self { parent: None, systemd: None, subreaper: Arc::new(Subreaper::others_have_children_too()) }
    }

    /// Scopes made by the systemd at `systemd`.
    #[cfg(test)]
    pub(super) fn with_scopes(systemd: BusAddress) -> Self {
        Self { systemd: Some(systemd), ..Self::by_process_table() }
    }

    #[cfg(test)]
    pub(super) fn without_groups(&self) -> bool {
        self.parent.is_none()
    }

    /// Directories that go are told by inotify(7).
    #[cfg(test)]
    pub(super) async fn until_no_group_is_left(&self) {
        use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
        let Some(parent) = &self.parent else { return };
        let watch = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).unwrap();
        add_watch(&watch, parent, WatchFlags::DELETE).unwrap();
        let watch = infiniservice_platform::reactor_unsafe::register(watch).unwrap();
        while std::fs::read_dir(parent).unwrap().flatten().any(|entry| entry.path().is_dir()) {
            let mut ready = watch.readable().await.unwrap();
            let _ = rustix::io::read(ready.get_inner(), &mut [0_u8; 4096][..]);
            ready.clear_ready();
        }
    }

    /// One for the program of `request`. One that is to outlive the agent gets an ordinary one where it cannot: then the
    /// work is done all the same.
    pub(super) async fn contain(&self, request: &Request) -> LinuxContainment {
        if let Some(systemd) = self.systemd.as_ref().filter(|_| request.outlives_the_agent) {
            match Scope::open(systemd).await {
                Ok(scope) => return LinuxContainment::Scope(Box::new(scope)),
                Err(error) => log::warn!("package changes end if the agent ends: {error}"),
            }
        }
        match self.parent.as_deref().and_then(OwnedCgroup::create) {
            // A user has a manager of his own, which takes his processes out of a cgroup for him.
            Some(group) => {
                LinuxContainment::Cgroup(group, request.identity.is_some().then(Tree::beside_a_group))
            }
            None => LinuxContainment::Tree(Tree::new(self.subreaper.clone())),
        }
    }
}

/// Around one program.
#[derive(Debug)]
pub(super) enum LinuxContainment {
    /// With a look at the process table for those who leave it with another's help.
    Cgroup(OwnedCgroup, Option<Tree>),
    Scope(Box<Scope>),
    Tree(Tree),
}

impl LinuxContainment {
    /// Into this file the child writes `0` to go in, before it becomes the program.
    pub(super) fn join_fd(&self) -> io::Result<Option<File>> {
        match self {
            Self::Cgroup(group, _) => group.join_fd().map(Some),
            Self::Scope(scope) => scope.join_fd().map(Some),
            Self::Tree(_) => Ok(None),
        }
    }

    /// By this the program's descendants are known in the process table.
    pub(super) fn environment(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Cgroup(_, tree) => tree.as_ref().map(Tree::tag),
            Self::Scope(_) => None,
            Self::Tree(tree) => Some(tree.tag()),
        }
    }

    /// What the program writes to, where that is not the agent's own pipes.
    pub(super) fn inputs(&mut self) -> Option<[Stdio; 2]> {
        match self {
            Self::Scope(scope) => scope.inputs(),
            Self::Cgroup(..) | Self::Tree(_) => None,
        }
    }

    fn tree(&mut self) -> Option<&mut Tree> {
        match self {
            Self::Cgroup(_, tree) => tree.as_mut(),
            Self::Scope(_) => None,
            Self::Tree(tree) => Some(tree),
        }
    }

    async fn is_empty(&mut self) -> bool {
        let group_is_empty = match self {
            Self::Cgroup(group, _) => group.is_empty(),
            Self::Scope(scope) => scope.is_empty(),
            Self::Tree(_) => true,
        };
        match self.tree() {
            Some(tree) => tree.is_empty().await && group_is_empty,
            None => group_is_empty,
        }
    }

    async fn kill_until_empty(&mut self) {
        while !self.is_empty().await {
            self.kill().await;
            // Over before its time when all have gone.
            let _ = timeout(AGAIN, self.emptied()).await;
        }
    }

    /// Resolves when those that are in it now have gone.
    async fn emptied(&mut self) {
        match self {
            Self::Cgroup(group, _) => group.emptied().await,
            Self::Scope(scope) => scope.emptied().await,
            Self::Tree(_) => {}
        }
        if let Some(tree) = self.tree() {
            tree.emptied().await;
        }
    }
}

impl Containment for LinuxContainment {
    const CAN_BE_ASKED: bool = true;

    /// Where the agent reads it then.
    fn outputs(&mut self) -> Option<[Option<Pipe>; 2]> {
        match self {
            Self::Scope(scope) => Some(scope.outputs()),
            Self::Cgroup(..) | Self::Tree(_) => None,
        }
    }

    /// Whether all go on without the agent.
    fn outlives_the_agent(&self) -> bool {
        match self {
            Self::Scope(_) => true,
            Self::Cgroup(..) | Self::Tree(_) => false,
        }
    }

    /// The program runs.
    fn started(&mut self, pid: Option<u32>) {
        if let Some(tree) = self.tree() {
            tree.started(pid);
        }
    }

    /// Asks all to end.
    async fn terminate(&mut self) {
        match self {
            Self::Cgroup(group, _) => group.terminate(),
            Self::Scope(scope) => scope.terminate(),
            Self::Tree(_) => {}
        }
        if let Some(tree) = self.tree() {
            tree.terminate().await;
        }
    }

    /// Ends all by force.
    async fn kill(&mut self) {
        match self {
            Self::Cgroup(group, _) => group.kill(),
            Self::Scope(scope) => scope.kill(),
            Self::Tree(_) => {}
        }
        if let Some(tree) = self.tree() {
            tree.kill().await;
        }
    }

    /// Ends what is left and waits until it is gone, at most [`ENDING`]. A group that is not empty then is watched on and
    /// removed later.
    async fn end(mut self) {
        let gone = timeout(ENDING, self.kill_until_empty()).await.is_ok();
        if !gone && self.tree().is_some() {
            log::warn!("processes of a command remain: they hang in the kernel");
        }
    }

    /// Every status is an exit or a signal, unless the kernel has a new kind.
    fn status_of(ended: ExitStatus) -> Status {
        match (ended.code(), ended.signal()) {
            (Some(code), _) => Status::Exited(code),
            (None, Some(signal)) => Status::Signalled(signal),
            (None, None) => Status::Lost,
        }
    }
}
