//! One run as a service: from the manager's call to `STOPPED`.

use super::NAME;
use crate::service::scm::{Controls, Machine, Phase, Report};
use crate::service::signals::Signal;
use infiniservice_platform::scm::manager_unsafe::dispatch;
use std::ffi::OsString;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use windows_service::service::{
    ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle};

/// Requests that wait for the main loop; one more says nothing new.
const MAX_WAITING: usize = 8;
/// `ERROR_FAILED_SERVICE_CONTROLLER_CONNECT`: this process was not started as a service.
const NOT_A_SERVICE: i32 = 1063;

/// What this process serves as a service; the entry point has no argument by which to pass it.
static SERVE: Mutex<Option<Box<dyn FnOnce() -> u8 + Send>>> = Mutex::new(None);
static LIFE: OnceLock<Life> = OnceLock::new();

/// This process's life as a service.
#[derive(Debug)]
pub(in crate::service) struct Life {
    manager: ServiceStatusHandle,
    machine: Mutex<Machine>,
    signals: Mutex<Option<mpsc::Receiver<Signal>>>,
}

/// The life as a service, where this process is one.
pub(in crate::service) fn life() -> Option<&'static Life> {
    LIFE.get()
}

/// Serves under the service manager; `None` where it was not the manager that started this process. Found out by asking
/// it: ten seconds under Wine, at once on Windows.
pub fn run_as_service(serve: impl FnOnce() -> u8 + Send + 'static) -> Option<u8> {
    *lock(&SERVE) = Some(Box::new(serve));
    match dispatch(NAME, service_main) {
        Ok(()) => Some(0),
        Err(windows_service::Error::Winapi(error)) if error.raw_os_error() == Some(NOT_A_SERVICE) => None,
        Err(error) => {
            crate::logging::say(&format!("cannot reach the service control manager: {error}"));
            crate::logging::flush();
            Some(1)
        }
    }
}

/// Called by the manager on a thread of its own.
fn service_main(_arguments: Vec<OsString>) {
    let (tell, signals) = mpsc::channel(MAX_WAITING);
    let registered = service_control_handler::register(NAME, move |control| handle(&control, &tell));
    // Without it nobody can be told anything.
    let Ok(manager) = registered else { return };
    let machine = Mutex::new(Machine::default());
    let life = LIFE.get_or_init(|| Life { manager, machine, signals: Mutex::new(Some(signals)) });
    life.tell(|machine| Some(machine.report()));
    let serve = lock(&SERVE).take();
    let code = serve.map_or(1, |serve| serve());
    life.tell(|machine| machine.stopped(code.into()));
}

/// The manager waits for this: it only passes on what is asked.
fn handle(control: &ServiceControl, tell: &mpsc::Sender<Signal>) -> ServiceControlHandlerResult {
    let signal = match control {
        ServiceControl::Stop => Signal::Stop("the service manager"),
        ServiceControl::Shutdown | ServiceControl::Preshutdown => Signal::Stop("the system's shutdown"),
        ServiceControl::ParamChange => Signal::Reload,
        ServiceControl::Interrogate => return ServiceControlHandlerResult::NoError,
        _ => return ServiceControlHandlerResult::NotImplemented,
    };
    // A full queue holds the same requests already; a closed one belongs to a service that has ended.
    let _ = tell.try_send(signal);
    ServiceControlHandlerResult::NoError
}

impl Life {
    /// Moves the state on, and tells the manager what came of it.
    pub(in crate::service) fn tell(&self, step: impl FnOnce(&mut Machine) -> Option<Report>) {
        let report = step(&mut lock(&self.machine));
        if let Some(report) = report
            && let Err(error) = self.manager.set_service_status(status(report))
        {
            log::warn!("cannot report {:?} to the service control manager: {error}", report.phase);
        }
    }

    /// When the manager is owed the next checkpoint.
    pub(in crate::service) fn next_deadline(&self) -> Option<Duration> {
        lock(&self.machine).next_deadline()
    }

    /// What the manager asks; to be taken once.
    pub(in crate::service) fn signals(&self) -> Option<mpsc::Receiver<Signal>> {
        lock(&self.signals).take()
    }
}

fn status(report: Report) -> ServiceStatus {
    let (current_state, exit_code) = match report.phase {
        Phase::StartPending => (ServiceState::StartPending, 0),
        Phase::Running => (ServiceState::Running, 0),
        Phase::StopPending => (ServiceState::StopPending, 0),
        Phase::Stopped(code) => (ServiceState::Stopped, code),
    };
    let exit_code =
        if exit_code == 0 { ServiceExitCode::Win32(0) } else { ServiceExitCode::ServiceSpecific(exit_code) };
    ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state,
        controls_accepted: accepted(report.controls),
        exit_code,
        checkpoint: report.checkpoint,
        wait_hint: report.wait_hint,
        process_id: None,
    }
}

fn accepted(controls: Controls) -> ServiceControlAccept {
    let mut accepted = ServiceControlAccept::empty();
    accepted.set(
        ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN | ServiceControlAccept::PRESHUTDOWN,
        controls.stop,
    );
    accepted.set(ServiceControlAccept::PARAM_CHANGE, controls.reload);
    accepted
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
