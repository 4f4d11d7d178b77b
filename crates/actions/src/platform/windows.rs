//! Windows: services are the service control manager's, which is asked from threads that may block, and
//! programs run in job objects.

pub(super) use infiniservice_exec::system_runner as runner;

use crate::context::{PowerAction, Services};
use crate::packages::PackageSystem;
use crate::packages::winget::Winget;
use infiniservice_exec::{BoxFuture, Cancellation, CommandError, CommandOutcome, CommandResult, Runner};
use infiniservice_platform::blocking::{self, Blocked, Lane};
use infiniservice_platform::scm::control::Operation;
use infiniservice_platform::scm::manager::ServiceManager;
use infiniservice_platform::scm::{self, Config, ScmError, Service};
use infiniservice_platform::win32::power_unsafe;
use infiniservice_protocol::data::ServiceInfo;
use infiniservice_protocol::{ErrorCode, ServiceOperation, metrics};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use windows_registry::LOCAL_MACHINE;

pub(super) fn services(_runner: &Arc<dyn Runner>) -> Arc<dyn Services> {
    Arc::new(ScmServices::default())
}

pub(super) fn systemd_runs() -> bool {
    false
}

/// Windows is not without one.
pub(super) fn has_service_manager(_systemd_runs: bool) -> bool {
    true
}

/// winget, where the App Installer is there for the whole machine.
pub(super) fn packages() -> Option<PackageSystem> {
    Some(PackageSystem::new(Box::new(Winget { program: locate()? }), Path::new("C:\\")))
}

/// The package of the App Installer, with its publisher's id.
const BEGIN: &str = "Microsoft.DesktopAppInstaller_";
const END: &str = "_x64__8wekyb3d8bbwe";
/// Packages of one store.
const MAX_ENTRIES: usize = 20_000;

/// The newest winget that is installed for the machine. SYSTEM has no aliases of the store's programs: it is in the
/// directory of its package, below `WindowsApps`, where only Windows' own installer may write.
fn locate() -> Option<PathBuf> {
    let key = LOCAL_MACHINE.open(r"SOFTWARE\Microsoft\Windows\CurrentVersion").ok()?;
    let programs = PathBuf::from(key.get_string("ProgramFilesDir").ok()?);
    let entries = std::fs::read_dir(programs.join("WindowsApps")).ok()?;
    let found = entries.take(MAX_ENTRIES).flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let version = version(name.strip_prefix(BEGIN)?.strip_suffix(END)?)?;
        let program = entry.path().join("winget.exe");
        program.is_file().then_some((version, program))
    });
    found.max().map(|(_, program)| program)
}

/// `1.24.25200.0`.
fn version(text: &str) -> Option<Vec<u32>> {
    text.split('.').map(|part| part.parse().ok()).collect()
}

/// The agent's own service.
const OWN: &str = "InfiniService";
/// What was configured is read again after this: three calls for each of some hundred services.
const CONFIGURED_FOR: Duration = Duration::from_secs(600);

/// [`Services`] over this machine's service control manager.
#[derive(Clone, Debug, Default)]
pub struct ScmServices {
    known: Arc<Mutex<Known>>,
}

/// What was configured, by short name, and when that was read.
#[derive(Debug, Default)]
struct Known {
    read_at: Option<Instant>,
    configs: HashMap<String, Config>,
}

impl Services for ScmServices {
    fn list(&self) -> BoxFuture<'_, Result<Vec<ServiceInfo>, CommandError>> {
        Box::pin(async {
            let services = ask(fresh).await??;
            Ok(services.iter().map(Service::info).collect())
        })
    }

    fn observe(&self) -> BoxFuture<'_, Result<Vec<metrics::Service>, CommandError>> {
        let known = self.known.clone();
        Box::pin(async move {
            let services = ask(move || observed(&known)).await??;
            Ok(services.iter().map(Service::metric).collect())
        })
    }

    fn control<'a>(
        &'a self,
        service: &'a str,
        operation: ServiceOperation,
        cancellation: &'a Cancellation,
    ) -> BoxFuture<'a, CommandResult> {
        Box::pin(async move {
            scm::check_name(service).map_err(|why| CommandError::new(ErrorCode::InvalidParameter, why))?;
            let stop = StopOnDrop(Arc::default());
            let (told, name) = (stop.0.clone(), service.to_owned());
            let work = ask(move || operate(&name, operation, &told));
            let (service, note) = cancellation.run_until_cancelled(work).await.map_err(goes_on)???;
            // Other services may have been stopped with it.
            self.known.lock().unwrap_or_else(PoisonError::into_inner).read_at = None;
            let outcome = CommandOutcome::of(&service.info())?;
            Ok(CommandOutcome { stdout: note.into(), ..outcome })
        })
    }

    fn end_machine(&self, action: PowerAction) -> BoxFuture<'_, Result<(), CommandError>> {
        Box::pin(async move {
            let asked = ask(move || power_unsafe::end_machine(action == PowerAction::Reboot)).await?;
            asked.map_err(|error| {
                let error = format!("Windows does not shut down the machine: {}", error.message());
                CommandError::new(ErrorCode::ExecutionFailed, error)
            })
        })
    }
}

fn goes_on(mut stop: CommandError) -> CommandError {
    stop.error.push_str("; the service control manager continues with the request");
    stop
}

/// Tells the thread that nobody waits for it any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn operate(
    name: &str,
    operation: ServiceOperation,
    stop: &AtomicBool,
) -> Result<(Service, String), ScmError> {
    let manager = ServiceManager::connect()?;
    let pause = |time| {
        std::thread::sleep(time);
        !stop.load(Ordering::Relaxed)
    };
    Operation { manager: &manager, name, own: OWN, pause: &pause }.run(operation)
}

fn fresh() -> Result<Vec<Service>, ScmError> {
    let manager = ServiceManager::connect()?;
    let mut services = manager.list()?;
    for service in &mut services {
        manager.configure(service);
    }
    Ok(services)
}

fn observed(known: &Mutex<Known>) -> Result<Vec<Service>, ScmError> {
    let manager = ServiceManager::connect()?;
    let mut services = manager.list()?;
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if known.read_at.is_none_or(|at| at.elapsed() >= CONFIGURED_FOR) {
        *known = Known { read_at: Some(Instant::now()), configs: HashMap::new() };
    }
    for service in &mut services {
        service.config = known.configs.get(&service.name).cloned();
        if service.config.is_none() {
            manager.configure(service);
            known.configs.extend(service.config.clone().map(|config| (service.name.clone(), config)));
        }
    }
    let there: std::collections::HashSet<&str> =
        services.iter().map(|service| service.name.as_str()).collect();
    known.configs.retain(|name, _| there.contains(name.as_str()));
    Ok(services)
}

async fn ask<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CommandError> {
    let asked = blocking::start(Lane::Managers, "the service control manager", work);
    let failed = |blocked: Blocked| CommandError::new(ErrorCode::ExecutionFailed, blocked.to_string());
    asked.map_err(failed)?.await.map_err(failed)
}
