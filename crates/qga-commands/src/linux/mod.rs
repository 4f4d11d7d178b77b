//! The commands on Linux: which file carries out which.

mod addresses;
mod blocks;
mod changes;
mod clock;
mod disks;
mod file_systems;
mod freeze;
mod freeze_orders;
mod frozen;
mod keys;
mod power;
mod stacked;
mod tree;
mod users;

use crate::files::Files;
use crate::programs::{Programs, Wanted as ProgramWanted};
use crate::work::{change, read};
use crate::{Happened, Settings, network};
use file_systems::Spaces;
use freeze::Freezer;
use frozen::Marker;
use infiniservice_exec::Runner;
use infiniservice_platform::gate::Gate;
use infiniservice_platform::systemd::UnitClient;
use infiniservice_qga::table::Platform;
use infiniservice_qga::{Error, Reply, Request};
use keys::Wanted;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// Whether the port is served here.
pub const IS_SERVED: bool = true;
/// Whether a port that cannot be opened is known to be another program's.
pub const HOLDERS_ARE_KNOWN: bool = true;
/// Whose rows of the table these are.
pub const PLATFORM: Platform = Platform::Linux;
/// qemu-ga's own file, and those from which distributions make its arguments.
const CONFIGURATIONS: [&str; 3] =
    ["/etc/qemu/qemu-ga.conf", "/etc/sysconfig/qemu-ga", "/etc/default/qemu-guest-agent"];

/// Where distributions put qemu-ga.
const RIVALS: [&str; 4] =
    ["/usr/sbin/qemu-ga", "/usr/bin/qemu-ga", "/usr/local/sbin/qemu-ga", "/usr/local/bin/qemu-ga"];

/// What commands share.
pub struct Context {
    units: UnitClient,
    spaces: Arc<Spaces>,
    freezer: Arc<Freezer>,
    files: Arc<Files>,
    programs: Programs,
    runner: Arc<dyn Runner>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("freezer", &self.freezer).finish_non_exhaustive()
    }
}

impl Context {
    /// Nothing is done yet. What happens besides results is told.
    pub fn new(settings: Settings, runner: Arc<dyn Runner>, tell: Sender<Happened>) -> Self {
        Self {
            units: UnitClient::connect(),
            spaces: Arc::default(),
            freezer: Arc::new(Freezer::new(settings.freeze, runner.clone(), tell)),
            files: Arc::default(),
            programs: Programs::new(runner.clone()),
            runner,
        }
    }

    /// Other settings, from the next freeze on.
    pub fn set_settings(&self, settings: Settings) {
        self.freezer.set_settings(settings.freeze);
    }

    /// Looks for what an agent before this one left behind.
    pub async fn begin(&self) {
        self.freezer.find_again().await;
    }

    /// Leaves nothing behind.
    pub async fn end(&self) {
        self.freezer.end().await;
    }
}

/// To be called before anything is written: an agent before this one may have frozen file systems, and not lived to thaw them.
pub fn close_gate_if_frozen() {
    if Marker::default().found().is_some() {
        let _nobody_passed_so_far = Gate::of_the_process().close(Duration::ZERO);
    }
}

/// Thaws them, where the port is not served any more.
pub fn recover() {
    frozen::recover(&Marker::default());
}

/// The program that is there to serve the port.
pub fn rival() -> Option<PathBuf> {
    RIVALS.iter().map(Path::new).find(|path| path.exists()).map(Path::to_owned)
}

/// Files by which an operator turned commands off for qemu-ga.
pub fn configurations() -> Vec<PathBuf> {
    CONFIGURATIONS.map(PathBuf::from).to_vec()
}

/// Carries one command out.
pub async fn run(request: Request, context: &Context) -> Result<Reply, Error> {
    match request {
        Request::Freeze => context.freezer.freeze(None).await,
        Request::FreezeList { mountpoints } => context.freezer.freeze(mountpoints).await,
        Request::Thaw => context.freezer.thaw().await,
        Request::GetUsers => users::users(&context.units).await,
        Request::GetInterfaces => read("interfaces", network::interfaces).await,
        Request::GetFsInfo => {
            let spaces = Arc::clone(&context.spaces);
            read("file systems", move || file_systems::info(&spaces)).await
        }
        Request::GetDisks => read("disks", || Ok(disks::disks())).await,
        Request::Shutdown { mode } => power::shut_down(&context.units, &*context.runner, mode).await,
        Request::SuspendRam | Request::SuspendDisk | Request::SuspendHybrid => {
            power::suspend(&context.units, &request).await
        }
        Request::SetTime { time } => change("clock", move || clock::set(time)).await,
        Request::SetVcpus { vcpus } => change("processors", move || changes::vcpus(&vcpus)).await,
        Request::SetMemoryBlocks { blocks } => change("memory", move || Ok(changes::memory(&blocks))).await,
        Request::Trim { minimum } => change("trim", move || disks::trim(minimum)).await,
        Request::Exec { path, arg, env, input_data, capture_output } => {
            let (environment, input) = (env.unwrap_or_default(), input_data.unwrap_or_default().0);
            let wanted = ProgramWanted { path, arguments: arg, environment, input, capture: capture_output };
            context.programs.start(wanted).await
        }
        Request::ExecStatus { pid } => context.programs.status(pid),
        Request::SetUserPassword { username, password, crypted } => {
            users::set_password(&*context.runner, &username, &password.0, crypted).await
        }
        Request::SshGetKeys { username } => {
            read("SSH keys", move || keys::run(&username, Wanted::List)).await
        }
        Request::SshAddKeys { username, keys, reset } => {
            change("SSH keys", move || keys::run(&username, Wanted::Add(keys, reset))).await
        }
        Request::SshRemoveKeys { username, keys } => {
            change("SSH keys", move || keys::run(&username, Wanted::Remove(keys))).await
        }
        request if Files::serves(&request) => {
            let files = Arc::clone(&context.files);
            change("a file of the host's", move || files.run(request)).await
        }
        request => read("files", move || tree::answer(&request)).await,
    }
}
