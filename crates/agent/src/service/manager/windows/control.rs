//! `infiniservice service install|uninstall|start|stop|status`.

use super::NAME;
use super::install::{self, NOT_INSTALLED, explain};
use crate::cli::ServiceRequest as Request;
use infiniservice_actions::event_log;
use infiniservice_channel::diagnose::DiagnoseOptions;
use infiniservice_channel::diagnose::win::{ServiceFacts, WindowsReport};
use std::thread::sleep;
use std::time::{Duration, Instant};
use windows_service::service::{
    Service, ServiceAccess, ServiceExitCode, ServiceStartType, ServiceState, ServiceStatus,
};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

/// The service that qemu-ga's installer makes.
const QEMU_GA: &str = "QEMU-GA";
/// How long a start or a stop may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The manager has no event for a client of its own kind; it advises to look again now and then.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Does what is asked; a line for people.
///
/// # Errors
/// What failed, with what to do.
pub fn carry_out(request: &Request) -> Result<String, String> {
    let done = match request {
        Request::Install { arguments, .. } => {
            install::configure(request)?;
            install::install(arguments.clone()).map(|done| format!("{NAME} is {done}"))
        }
        Request::Uninstall => uninstall(),
        Request::Start => start(),
        Request::Stop => stop(),
        Request::Status => return status(),
    };
    done.map_err(|error| explain(&error))
}

fn open(access: ServiceAccess) -> windows_service::Result<Service> {
    open_named(NAME, access)
}

fn open_named(name: &str, access: ServiceAccess) -> windows_service::Result<Service> {
    let manager = ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT)?;
    manager.open_service(name, access | ServiceAccess::QUERY_STATUS)
}

fn uninstall() -> windows_service::Result<String> {
    let service = open(ServiceAccess::STOP | ServiceAccess::DELETE)?;
    end(&service)?;
    service.delete()?;
    event_log::deregister().map_err(windows_service::Error::Winapi)?;
    Ok(format!("{NAME} has been removed"))
}

fn start() -> windows_service::Result<String> {
    let service = open(ServiceAccess::START)?;
    if service.query_status()?.current_state != ServiceState::Running {
        service.start::<&str>(&[])?;
    }
    let status = wait_while(&service, ServiceState::StartPending)?;
    if status.current_state == ServiceState::Running {
        return Ok(format!("{NAME} runs"));
    }
    Err(failed(format!("{NAME} did not start: {}", describe(&status))))
}

fn stop() -> windows_service::Result<String> {
    end(&open(ServiceAccess::STOP)?)?;
    Ok(format!("{NAME} has stopped"))
}

fn end(service: &Service) -> windows_service::Result<()> {
    if service.query_status()?.current_state == ServiceState::Stopped {
        return Ok(());
    }
    service.stop()?;
    let status = wait_until(service, |state| state == ServiceState::Stopped)?;
    match status.current_state {
        ServiceState::Stopped => Ok(()),
        _ => Err(failed(format!("{NAME} has not stopped: {}", describe(&status)))),
    }
}

fn status() -> Result<String, String> {
    let asked = open(ServiceAccess::QUERY_STATUS).and_then(|service| service.query_status());
    let status = asked.map_err(|error| explain(&error))?;
    let text = format!("{NAME}: {}", describe(&status));
    if status.current_state == ServiceState::Running { Ok(text) } else { Err(text) }
}

/// The service as a diagnosis tells it; `None`: it is not installed.
///
/// # Errors
/// The manager cannot be asked.
fn facts() -> Result<Option<ServiceFacts>, String> {
    let asked = open(ServiceAccess::QUERY_CONFIG).and_then(|service| {
        let (status, config) = (service.query_status()?, service.query_config()?);
        Ok(ServiceFacts {
            state: describe(&status),
            running: status.current_state == ServiceState::Running,
            start_up: start_up(config.start_type).into(),
            account: config.account_name.unwrap_or_default().to_string_lossy().into_owned(),
        })
    });
    match asked {
        Ok(facts) => Ok(Some(facts)),
        Err(windows_service::Error::Winapi(error)) if error.raw_os_error() == Some(NOT_INSTALLED) => Ok(None),
        Err(error) => Err(explain(&error)),
    }
}

/// `--diagnose`, with what the manager says of the services.
pub fn diagnose(options: &DiagnoseOptions) -> WindowsReport {
    infiniservice_channel::diagnose::run(options, facts(), other_runs())
}

/// Whether qemu-ga's service runs; `None`: it is not installed, or cannot be asked.
fn other_runs() -> Option<bool> {
    let status = open_named(QEMU_GA, ServiceAccess::QUERY_STATUS).and_then(|service| service.query_status());
    status.ok().map(|status| status.current_state == ServiceState::Running)
}

fn start_up(kind: ServiceStartType) -> &'static str {
    match kind {
        ServiceStartType::OnDemand => "manual",
        ServiceStartType::Disabled => "disabled",
        _ => "auto",
    }
}

fn wait_while(service: &Service, pending: ServiceState) -> windows_service::Result<ServiceStatus> {
    wait_until(service, |state| state != pending)
}

/// Its state once `wanted`, or when patience has ended.
fn wait_until(
    service: &Service,
    wanted: impl Fn(ServiceState) -> bool,
) -> windows_service::Result<ServiceStatus> {
    let begin = Instant::now();
    loop {
        let status = service.query_status()?;
        if wanted(status.current_state) || begin.elapsed() > TIMEOUT {
            return Ok(status);
        }
        sleep(LOOK_AGAIN);
    }
}

fn describe(status: &ServiceStatus) -> String {
    let state = match status.current_state {
        ServiceState::Running => "running",
        ServiceState::Stopped => "stopped",
        ServiceState::StartPending => "starting",
        ServiceState::StopPending => "stopping",
        ServiceState::Paused => "paused",
        ServiceState::PausePending => "pausing",
        ServiceState::ContinuePending => "continuing",
    };
    let pid =
        status.process_id.filter(|pid| *pid != 0).map(|pid| format!(", process {pid}")).unwrap_or_default();
    let code = match &status.exit_code {
        ServiceExitCode::Win32(0) => String::new(),
        ServiceExitCode::Win32(code) => format!(", error {code}"),
        ServiceExitCode::ServiceSpecific(code) => format!(", exit code {code} of its own"),
    };
    format!("{state}{pid}{code}")
}

fn failed(text: String) -> windows_service::Error {
    windows_service::Error::Winapi(std::io::Error::other(text))
}
