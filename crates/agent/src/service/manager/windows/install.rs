//! The service as the service manager keeps it: program, account, recovery. And what an installation does besides: files closed to
//! others, settings that the installer was given.

use super::{NAME, protect};
use crate::cli::ServiceRequest as Request;
use crate::config::{edit, own_files};
use infiniservice_actions::event_log;
use infiniservice_platform::win32::hresult;
use std::ffi::OsString;
use std::time::Duration;
use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceErrorControl, ServiceFailureActions,
    ServiceFailureResetPeriod, ServiceInfo, ServiceStartType, ServiceType,
};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

/// `ERROR_SERVICE_DOES_NOT_EXIST`.
pub(super) const NOT_INSTALLED: i32 = 1060;
const DISPLAY_NAME: &str = "InfiniService guest agent";
const DESCRIPTION: &str = "Sends the machine's metrics to the virtualisation host over a virtio-serial \
    port, and runs the host's commands.";
/// After a first, second and any further failure.
const RESTART_AFTER: [Duration; 3] =
    [Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(300)];
/// A day without a failure, and the next counts as the first again.
const FORGET_FAILURES_AFTER: Duration = Duration::from_secs(86_400);
/// Longer than `shutdown_timeout_secs` may be by default; the system waits this long before it shuts down.
const PRESHUTDOWN: Duration = Duration::from_secs(60);

/// Creates the service, or brings it up to date, with `arguments` on its command line.
pub(super) fn install(arguments: Vec<OsString>) -> windows_service::Result<&'static str> {
    let info = info(arguments).map_err(windows_service::Error::Winapi)?;
    let access = ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE;
    let manager = ServiceManager::local_computer(None::<&str>, access)?;
    let (service, done) = match manager.open_service(NAME, ServiceAccess::ALL_ACCESS) {
        Ok(service) => {
            service.change_config(&info)?;
            (service, "updated")
        }
        Err(_) => (manager.create_service(&info, ServiceAccess::ALL_ACCESS)?, "installed"),
    };
    service.set_description(DESCRIPTION)?;
    set_recovery(&service)?;
    event_log::register(&info.executable_path).map_err(windows_service::Error::Winapi)?;
    Ok(done)
}

fn info(launch_arguments: Vec<OsString>) -> std::io::Result<ServiceInfo> {
    Ok(ServiceInfo {
        name: NAME.into(),
        display_name: DISPLAY_NAME.into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: std::env::current_exe()?,
        launch_arguments,
        dependencies: Vec::new(),
        // LocalSystem.
        account_name: None,
        account_password: None,
    })
}

/// A service that ends with an exit code of its own counts as failed, too.
fn set_recovery(service: &Service) -> windows_service::Result<()> {
    let restart = |delay| ServiceAction { action_type: ServiceActionType::Restart, delay };
    service.update_failure_actions(ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(FORGET_FAILURES_AFTER),
        reboot_msg: None,
        command: None,
        actions: Some(RESTART_AFTER.map(restart).to_vec()),
    })?;
    optional(
        "restart of a service that ends with an error",
        service.set_failure_actions_on_non_crash_failures(true),
    );
    optional("time before a shutdown", service.set_preshutdown_timeout(PRESHUTDOWN));
    Ok(())
}

/// What not every system knows: Wine 8 lacks levels of `ChangeServiceConfig2`.
fn optional(what: &str, result: windows_service::Result<()>) {
    if let Err(error) = result {
        crate::logging::say(&format!("not set: {what}: {}", explain(&error)));
    }
}

/// Where the secret is taken from: an argument could be read by every user.
const SECRET: &str = "INFINISERVICE_SHARED_SECRET";

/// Closes directories, and writes the settings that the request has.
pub(super) fn configure(request: &Request) -> Result<(), String> {
    protect::configuration()?;
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    if !protect::program(&program)? {
        let path = program.display();
        crate::cli::print(&format!(
            "{path}: the rights to replace it were not changed; see docs/windows.md\n"
        ));
    }
    let Request::Install { vm_id, save_secret, forget_secret, wire_profile, .. } = request else {
        return Ok(());
    };
    let secret = if *save_secret { Some(secret()?) } else { None };
    let mut settings = Vec::new();
    settings.extend(vm_id.as_deref().map(|id| ("vm_id", Some(id))));
    settings.extend(wire_profile.as_deref().map(|profile| ("wire_profile", Some(profile))));
    settings.extend((secret.is_some() || *forget_secret).then_some(("shared_secret", secret.as_deref())));
    if settings.is_empty() {
        return Ok(());
    }
    edit::write(&own_files::default_file(), &settings)?;
    // The file is a new one.
    protect::configuration()
}

fn secret() -> Result<String, String> {
    std::env::var(SECRET).map_err(|_| format!("--save-secret: the variable {SECRET} is not set"))
}

/// A sentence that a person can act on.
pub(super) fn explain(error: &windows_service::Error) -> String {
    let windows_service::Error::Winapi(error) = error else { return error.to_string() };
    // The registry's errors are HRESULTs.
    match error.raw_os_error().map(|code| hresult::win32(code).cast_signed()) {
        Some(NOT_INSTALLED) => {
            format!("{NAME} is not installed; `infiniservice service install` installs it")
        }
        Some(5) => "access is denied: run this from an administrator's console".into(),
        Some(1072) => {
            format!("{NAME} is marked for deletion: close the programs that show services, or restart")
        }
        _ => error.to_string(),
    }
}
