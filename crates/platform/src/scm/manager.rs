//! This machine's service control manager.

use super::ScmError;
use super::control::Manager;
use super::manager_unsafe::{self as calls, Handle};
use super::state::{Service, StartType, Status};
use std::time::Duration;
use windows::Win32::System::Services::{
    SC_MANAGER_CONNECT, SC_MANAGER_ENUMERATE_SERVICE, SERVICE_CHANGE_CONFIG, SERVICE_CONTROL_CONTINUE,
    SERVICE_CONTROL_STOP, SERVICE_ENUMERATE_DEPENDENTS, SERVICE_NO_CHANGE, SERVICE_PAUSE_CONTINUE,
    SERVICE_QUERY_CONFIG, SERVICE_QUERY_STATUS, SERVICE_START, SERVICE_STOP,
};

/// `RPC_S_SERVER_TOO_BUSY` and `RPC_S_CALL_FAILED_DNE`: nothing was done, and it may go well the next moment.
const TRANSIENT: [u32; 2] = [1723, 1727];
const ATTEMPTS: usize = 5;
const PAUSE: Duration = Duration::from_millis(100);

/// A connection, for one command or one collection.
#[derive(Debug)]
pub struct ServiceManager {
    handle: Handle,
}

impl ServiceManager {
    /// Connects; needs no privileges.
    pub fn connect() -> Result<Self, ScmError> {
        let access = SC_MANAGER_CONNECT | SC_MANAGER_ENUMERATE_SERVICE;
        let mut attempts = 0;
        loop {
            attempts += 1;
            match calls::connect(access) {
                Ok(handle) => return Ok(Self { handle }),
                Err(code) if TRANSIENT.contains(&code) && attempts < ATTEMPTS => std::thread::sleep(PAUSE),
                Err(code) => {
                    return Err(ScmError::win32("the service control manager could not be reached", code));
                }
            }
        }
    }

    /// All services, without what was configured.
    pub fn list(&self) -> Result<Vec<Service>, ScmError> {
        let listed = calls::services(&self.handle)
            .map_err(|code| ScmError::win32("the services could not be listed", code))?;
        let service = |listed: calls::Listed| Service {
            name: listed.name,
            display_name: listed.display_name,
            status: listed.status,
            config: None,
        };
        Ok(listed.into_iter().map(service).collect())
    }

    /// Adds what was configured; a service that may not be read, or is gone by now, stays without.
    pub fn configure(&self, service: &mut Service) {
        let opened = calls::open(&self.handle, &service.name, SERVICE_QUERY_CONFIG);
        service.config = opened.and_then(|handle| calls::config(&handle)).ok();
    }

    fn open(&self, name: &str, access: u32, what: &str) -> Result<Handle, ScmError> {
        calls::open(&self.handle, name, access)
            .map_err(|code| ScmError::win32(format!("{name} could not be {what}"), code))
    }
}

impl Manager for ServiceManager {
    fn service(&self, name: &str) -> Result<Service, ScmError> {
        let listed = self.list()?.into_iter().find(|service| service.name.eq_ignore_ascii_case(name));
        // One that is not listed is not there, or a driver, which is none of the host's business.
        let mut service = listed.ok_or_else(|| ScmError::win32(format!("{name} was not found"), 1060))?;
        self.configure(&mut service);
        Ok(service)
    }

    fn status(&self, name: &str) -> Result<Status, ScmError> {
        let handle = self.open(name, SERVICE_QUERY_STATUS, "asked for its state")?;
        calls::status(&handle)
            .map_err(|code| ScmError::win32(format!("{name} could not be asked for its state"), code))
    }

    fn start(&self, name: &str) -> Result<(), ScmError> {
        let handle = self.open(name, SERVICE_START, "started")?;
        calls::start(&handle).map_err(|code| ScmError::win32(format!("{name} could not be started"), code))
    }

    fn stop(&self, name: &str) -> Result<(), ScmError> {
        let handle = self.open(name, SERVICE_STOP, "stopped")?;
        calls::control(&handle, SERVICE_CONTROL_STOP)
            .map_err(|code| ScmError::win32(format!("{name} could not be stopped"), code))
    }

    fn resume(&self, name: &str) -> Result<(), ScmError> {
        let handle = self.open(name, SERVICE_PAUSE_CONTINUE, "resumed")?;
        calls::control(&handle, SERVICE_CONTROL_CONTINUE)
            .map_err(|code| ScmError::win32(format!("{name} could not be resumed"), code))
    }

    fn set_start(&self, name: &str, start_type: StartType) -> Result<(), ScmError> {
        let number = match start_type {
            StartType::Boot => 0,
            StartType::System => 1,
            StartType::Auto => 2,
            StartType::Manual => 3,
            StartType::Disabled => 4,
            StartType::Unknown(_) => SERVICE_NO_CHANGE,
        };
        let handle = self.open(name, SERVICE_CHANGE_CONFIG, "configured")?;
        calls::set_start(&handle, number)
            .map_err(|code| ScmError::win32(format!("{name} could not be configured"), code))
    }

    fn dependents(&self, name: &str) -> Result<Vec<String>, ScmError> {
        let handle = self.open(name, SERVICE_ENUMERATE_DEPENDENTS, "asked for its dependents")?;
        calls::dependents(&handle)
            .map_err(|code| ScmError::win32(format!("{name} could not be asked for its dependents"), code))
    }
}
