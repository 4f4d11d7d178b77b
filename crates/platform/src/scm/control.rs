//! One operation on one service, carried through to its end: dependents are stopped before it and started after it, pending states
//! are waited for.

use super::ScmError;
use super::after::{self, Wait};
use super::state::{Service, StartType, State, Status};
use infiniservice_protocol::ServiceOperation;
use std::time::Duration;

/// What is asked of the service control manager, each by the service's short name. Tests simulate it.
pub trait Manager {
    /// All of one service.
    fn service(&self, name: &str) -> Result<Service, ScmError>;
    /// How it is doing.
    fn status(&self, name: &str) -> Result<Status, ScmError>;
    /// Asks it to start; it is pending when this returns.
    fn start(&self, name: &str) -> Result<(), ScmError>;
    /// Sends it the stop control.
    fn stop(&self, name: &str) -> Result<(), ScmError>;
    /// Sends it the continue control.
    fn resume(&self, name: &str) -> Result<(), ScmError>;
    /// Configures when it starts.
    fn set_start(&self, name: &str, start_type: StartType) -> Result<(), ScmError>;
    /// Those that depend on it, directly or not, and are not stopped; in the order in which they have to be stopped.
    fn dependents(&self, name: &str) -> Result<Vec<String>, ScmError>;
}

/// A service that runs already, or was stopped by another at the same moment.
const ALREADY_RUNNING: u32 = 1056;
const NOT_ACTIVE: u32 = 1062;
/// It is between two states, and takes the control a little later.
const CANNOT_ACCEPT_NOW: u32 = 1061;
/// Another service is being started at this moment.
const DATABASE_LOCKED: u32 = 1055;
/// How long and how often that is waited for.
const LOCK_PAUSE: Duration = Duration::from_millis(200);
const LOCK_ATTEMPTS: usize = 150;

/// An operation under way. `pause` waits so long and says whether to go on.
pub struct Operation<'a, M> {
    /// Whom to ask.
    pub manager: &'a M,
    /// The short name, checked.
    pub name: &'a str,
    /// The agent's own service, which the host must not lose.
    pub own: &'a str,
    /// Waits.
    pub pause: &'a dyn Fn(Duration) -> bool,
}

/// A service that was started, and how it was when it ran.
struct Started<'a> {
    name: &'a str,
    status: Status,
}

impl<M: Manager> Operation<'_, M> {
    /// Carries it out; the service after it, and what else a person should know.
    pub fn run(&self, operation: ServiceOperation) -> Result<(Service, String), ScmError> {
        let before = self.manager.service(self.name)?;
        self.refuse_own(operation)?;
        let mut note = String::new();
        match operation {
            ServiceOperation::Status => {}
            ServiceOperation::Start => self.start(&before)?,
            ServiceOperation::Stop => note = self.stop_with_dependents()?.1,
            ServiceOperation::Restart => note = self.restart(&before)?,
            ServiceOperation::Enable => self.enable(&before)?,
            ServiceOperation::Disable => self.manager.set_start(self.name, StartType::Disabled)?,
        }
        let after = self.manager.service(self.name)?;
        if operation == ServiceOperation::Stop {
            after::of_stop(&after.status)
                .map_err(|why| ScmError::Failed(format!("{} did not stay stopped: {why}", self.name)))?;
        }
        Ok((after, note))
    }

    /// The host could never reach the agent again.
    fn refuse_own(&self, operation: ServiceOperation) -> Result<(), ScmError> {
        let harmless = matches!(
            operation,
            ServiceOperation::Start | ServiceOperation::Enable | ServiceOperation::Status
        );
        if harmless || !self.name.eq_ignore_ascii_case(self.own) {
            return Ok(());
        }
        let name = self.name;
        Err(ScmError::Refused(format!(
            "{name} is this agent: without it the host could no longer reach this machine"
        )))
    }

    fn start(&self, before: &Service) -> Result<(), ScmError> {
        if before.config.as_ref().is_some_and(|config| config.start_type == StartType::Disabled)
            && before.status.state == State::Stopped
        {
            let error = format!("{} is disabled; `enable` it before it can be started", self.name);
            return Err(ScmError::Refused(error));
        }
        let started = self.bring_up(self.name)?;
        self.stay_up(started.as_slice())
    }

    /// One that is on by any start type stays as it is; a disabled one is made automatic.
    fn enable(&self, before: &Service) -> Result<(), ScmError> {
        let start_type = before.config.as_ref().map(|config| config.start_type);
        if matches!(start_type, Some(StartType::Auto | StartType::Boot | StartType::System)) {
            return Ok(());
        }
        self.manager.set_start(self.name, StartType::Auto)
    }

    fn restart(&self, before: &Service) -> Result<String, ScmError> {
        if before.config.as_ref().is_some_and(|config| config.start_type == StartType::Disabled) {
            let error = format!("{} is disabled: it would not start again after a stop", self.name);
            return Err(ScmError::Refused(error));
        }
        let (stopped, note) = self.stop_with_dependents()?;
        let mut started = Vec::new();
        for name in std::iter::once(self.name).chain(stopped.iter().rev().map(String::as_str)) {
            started.extend(self.bring_up(name)?);
        }
        self.stay_up(&started)?;
        Ok(note)
    }

    /// The dependents that were stopped, in that order, with a sentence about them.
    fn stop_with_dependents(&self) -> Result<(Vec<String>, String), ScmError> {
        let dependents = self.manager.dependents(self.name)?;
        if let Some(own) = dependents.iter().find(|name| name.eq_ignore_ascii_case(self.own)) {
            let error = format!("{own}, which is this agent, depends on {}", self.name);
            return Err(ScmError::Refused(error));
        }
        for dependent in &dependents {
            self.bring_down(dependent)?;
        }
        self.bring_down(self.name)?;
        let note = match dependents.as_slice() {
            [] => String::new(),
            some => format!("also stopped, because they depend on it: {}\n", some.join(", ")),
        };
        Ok((dependents, note))
    }

    /// How it runs, where it had to be started for that.
    fn bring_up<'n>(&self, name: &'n str) -> Result<Option<Started<'n>>, ScmError> {
        let status = self.settled(name, "starts")?;
        match status.state {
            State::Running => return Ok(None),
            State::Paused => self.manager.resume(name)?,
            _ => self.begin(name)?,
        }
        let status = self.settled(name, "starts")?;
        after::of_start(&status).map_err(|why| ScmError::Failed(format!("{name} did not start: {why}")))?;
        Ok(Some(Started { name, status }))
    }

    /// Looks a moment later whether those that were started still run.
    fn stay_up(&self, started: &[Started<'_>]) -> Result<(), ScmError> {
        if !started.is_empty() && !(self.pause)(after::SETTLE) {
            return Err(ScmError::Ended(format!("{} was checked after its start", self.name)));
        }
        for Started { name, status } in started {
            after::of_settling(status, &self.manager.status(name)?)
                .map_err(|why| ScmError::Failed(format!("{name} did not stay running: {why}")))?;
        }
        Ok(())
    }

    fn begin(&self, name: &str) -> Result<(), ScmError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.manager.start(name) {
                Err(ScmError::Win32 { code: ALREADY_RUNNING, .. }) => return Ok(()),
                Err(ScmError::Win32 { code: DATABASE_LOCKED, .. }) if attempts < LOCK_ATTEMPTS => {}
                other => return other,
            }
            if !(self.pause)(LOCK_PAUSE) {
                return Err(ScmError::Ended(format!("{name} waited for another service's start")));
            }
        }
    }

    fn bring_down(&self, name: &str) -> Result<(), ScmError> {
        let status = self.settled(name, "stops")?;
        if status.state == State::Stopped {
            return Ok(());
        }
        if !status.accepts_stop() {
            return Err(ScmError::Refused(format!("{name} does not accept the stop control")));
        }
        match self.manager.stop(name) {
            Err(ScmError::Win32 { code: NOT_ACTIVE, .. }) => return Ok(()),
            Err(ScmError::Win32 { code: CANNOT_ACCEPT_NOW, .. }) => {
                self.settled(name, "stops")?;
                self.manager.stop(name)?;
            }
            other => other?,
        }
        match self.settled(name, "stops")?.state {
            State::Stopped => Ok(()),
            _ => Err(ScmError::Failed(format!("{name} accepted the stop control, but is still running"))),
        }
    }

    /// Its status once it is in no pending state.
    fn settled(&self, name: &str, does: &str) -> Result<Status, ScmError> {
        let mut wait = Wait::default();
        loop {
            let status = self.manager.status(name)?;
            if !status.state.is_pending() {
                return Ok(status);
            }
            let Some(pause) = wait.next(&status) else {
                let error = format!(
                    "{name} hangs: it is {} and makes no progress (checkpoint {})",
                    status.word(),
                    status.checkpoint
                );
                return Err(ScmError::Failed(error));
            };
            if !(self.pause)(pause) {
                return Err(ScmError::Ended(format!("{name} {does}")));
            }
        }
    }
}
