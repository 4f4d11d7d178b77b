//! The commands on Windows: which file carries out which.

mod disks;
mod power;
mod system;

use crate::files::Files;
use crate::programs::{Programs, Wanted};
use crate::work::failed;
use crate::work::{change, read};
use crate::{Happened, Settings, network};
use infiniservice_exec::Runner;
use infiniservice_platform::win32::directories_unsafe::program_files;
use infiniservice_qga::table::Platform;
use infiniservice_qga::{Error, Reply, Request};
use std::fmt;
use std::future::{Ready, ready};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// Whether the port is served here.
pub const IS_SERVED: bool = true;
/// Whether a port that cannot be opened is known to be another program's: Windows says the same of one that was let go a moment
/// ago.
pub const HOLDERS_ARE_KNOWN: bool = false;
/// Whose rows of the table these are.
pub const PLATFORM: Platform = Platform::Windows;
/// Below the directory of programs: where the installer of virtio-win puts it.
const RIVAL: &str = "Qemu-ga\\qemu-ga.exe";

/// What commands share.
pub struct Context {
    files: Arc<Files>,
    programs: Programs,
    runner: Arc<dyn Runner>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("files", &self.files).finish_non_exhaustive()
    }
}

#[allow(clippy::unused_self, reason = "as the systems have it that can freeze")]
impl Context {
    /// Nothing is done yet.
    pub fn new(_settings: Settings, runner: Arc<dyn Runner>, _tell: Sender<Happened>) -> Self {
        Self { files: Arc::default(), programs: Programs::new(runner.clone()), runner }
    }

    /// Nothing is ever frozen here.
    pub fn set_settings(&self, _settings: Settings) {}

    /// Nothing is left behind by any agent.
    pub fn begin(&self) -> Ready<()> {
        ready(())
    }

    /// The same.
    pub fn end(&self) -> Ready<()> {
        ready(())
    }
}

/// Nothing is ever frozen here.
pub fn close_gate_if_frozen() {}

/// The same.
pub fn recover() {}

/// The program that is there to serve the port.
pub fn rival() -> Option<PathBuf> {
    program_files().map(|directory| directory.join(RIVAL)).filter(|path| path.exists())
}

/// Its settings are in the registry and on its command line: no file narrows anything.
pub fn configurations() -> Vec<PathBuf> {
    Vec::new()
}

/// Carries one command out.
pub async fn run(request: Request, context: &Context) -> Result<Reply, Error> {
    match request {
        Request::GetInterfaces => read("interfaces", network::interfaces).await,
        Request::GetRoutes => read("routes", system::routes).await,
        Request::GetFsInfo => read("volumes", disks::volumes).await,
        Request::GetDisks => read("disks", || Ok(disks::disks())).await,
        Request::Shutdown { mode } => change("shutdown", move || power::shut_down(mode)).await,
        Request::SuspendRam => change("suspend", || power::suspend(false)).await,
        Request::SuspendDisk => change("suspend", || power::suspend(true)).await,
        Request::SetTime { time: Some(time) } => change("clock", move || system::set_time(time)).await,
        Request::SetTime { time: None } => system::ask_for_time(&*context.runner).await,
        Request::Trim { .. } => disks::trim(&*context.runner).await,
        Request::Exec { path, arg, env, input_data, capture_output } => {
            let (environment, input) = (env.unwrap_or_default(), input_data.unwrap_or_default().0);
            let wanted = Wanted { path, arguments: arg, environment, input, capture: capture_output };
            context.programs.start(wanted).await
        }
        Request::ExecStatus { pid } => context.programs.status(pid),
        Request::SetUserPassword { username, password, crypted } => {
            change("password", move || system::set_password(&username, password.0, crypted)).await
        }
        request if Files::serves(&request) => {
            let files = Arc::clone(&context.files);
            change("a file of the host's", move || files.run(request)).await
        }
        request => read("the system", move || system::answer(&request)).await,
    }
}

/// A failure of the system, as clients know it.
fn told(what: &str, error: impl Into<std::io::Error>) -> Error {
    failed(what, &error.into())
}
