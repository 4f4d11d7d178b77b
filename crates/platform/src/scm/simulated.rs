//! A service control manager for tests: services that take their time, depend on each other, hang, fail or refuse.

use super::ScmError;
use super::control::Manager;
use super::state::{Config, Service, StartType, State, Status};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// How a simulated service behaves.
#[derive(Clone, Debug)]
pub struct Simulated {
    pub state: State,
    pub start_type: StartType,
    pub needs: Vec<&'static str>,
    /// Looks that a pending state takes; `None` hangs.
    pub looks: Option<u32>,
    /// Exit code of a start that fails.
    pub fails_with: u32,
    pub accepts_stop: bool,
    /// Attempts to start it for which the database is locked.
    pub locked: u32,
    pub left: u32,
    pub exit_code: u32,
    /// Looks after which it ends by itself, without an error.
    pub ends_after: Option<u32>,
}

pub fn service(state: State) -> Simulated {
    Simulated {
        state,
        start_type: StartType::Manual,
        needs: vec![],
        looks: Some(3),
        fails_with: 0,
        accepts_stop: true,
        locked: 0,
        left: 0,
        exit_code: 0,
        ends_after: None,
    }
}

/// All of them, with what was asked of them.
#[derive(Default)]
pub struct Machine {
    pub services: RefCell<BTreeMap<&'static str, Simulated>>,
    pub asked: RefCell<Vec<String>>,
}

impl Machine {
    pub fn of(services: impl IntoIterator<Item = (&'static str, Simulated)>) -> Self {
        Self { services: RefCell::new(services.into_iter().collect()), ..Self::default() }
    }

    pub fn state(&self, name: &str) -> State {
        self.services.borrow()[name].state
    }

    fn with<T>(&self, name: &str, f: impl FnOnce(&mut Simulated) -> Result<T, u32>) -> Result<T, ScmError> {
        let mut services = self.services.borrow_mut();
        let found = services.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let (_, service) = found.ok_or_else(|| ScmError::win32(name, 1060))?;
        f(service).map_err(|code| ScmError::win32(name, code))
    }

    fn note(&self, what: &str, name: &str) {
        self.asked.borrow_mut().push(format!("{what} {name}"));
    }
}

impl Simulated {
    /// A look at it moves it on.
    fn look(&mut self) -> Status {
        let (state, looks) = (self.state, self.looks);
        if state.is_pending() && looks.is_some() {
            self.left = self.left.saturating_sub(1);
            if self.left == 0 {
                self.arrive();
            }
        }
        self.age();
        Status {
            state: self.state,
            accepts: u32::from(self.accepts_stop),
            exit_code: self.exit_code,
            checkpoint: looks.map_or(0, |looks| looks - self.left.min(looks)),
            ..Status::default()
        }
    }

    /// A running one that is not to stay ends in its time.
    fn age(&mut self) {
        if self.state != State::Running {
            return;
        }
        match &mut self.ends_after {
            Some(0) => self.state = State::Stopped,
            Some(looks) => *looks -= 1,
            None => {}
        }
    }

    fn arrive(&mut self) {
        (self.state, self.exit_code) = match self.state {
            State::StartPending | State::ContinuePending if self.fails_with == 0 => (State::Running, 0),
            State::StartPending | State::ContinuePending => (State::Stopped, self.fails_with),
            _ => (State::Stopped, 0),
        };
    }

    #[allow(clippy::unnecessary_wraps, reason = "stands beside refusals")]
    fn begin(&mut self, state: State) -> Result<(), u32> {
        (self.state, self.left) = (state, self.looks.unwrap_or_default());
        Ok(())
    }
}

impl Manager for Machine {
    fn service(&self, name: &str) -> Result<Service, ScmError> {
        let status = self.status(name)?;
        self.with(name, |service| {
            let config = Config { start_type: service.start_type, ..Config::default() };
            Ok(Service { name: name.into(), status, config: Some(config), ..Service::default() })
        })
    }

    fn status(&self, name: &str) -> Result<Status, ScmError> {
        self.with(name, |service| Ok(service.look()))
    }

    fn start(&self, name: &str) -> Result<(), ScmError> {
        self.note("start", name);
        self.with(name, |service| match service.state {
            _ if service.locked > 0 => {
                service.locked -= 1;
                Err(1055)
            }
            State::Stopped if service.start_type == StartType::Disabled => Err(1058),
            State::Stopped => service.begin(State::StartPending),
            _ => Err(1056),
        })
    }

    fn stop(&self, name: &str) -> Result<(), ScmError> {
        self.note("stop", name);
        self.with(name, |service| match service.state {
            State::Running | State::Paused => service.begin(State::StopPending),
            State::Stopped => Err(1062),
            _ => Err(1061),
        })
    }

    fn resume(&self, name: &str) -> Result<(), ScmError> {
        self.note("resume", name);
        self.with(name, |service| service.begin(State::ContinuePending))
    }

    fn set_start(&self, name: &str, start_type: StartType) -> Result<(), ScmError> {
        self.note(start_type.word(), name);
        self.with(name, |service| {
            service.start_type = start_type;
            Ok(())
        })
    }

    fn dependents(&self, name: &str) -> Result<Vec<String>, ScmError> {
        let services = self.services.borrow();
        let needs = |service: &Simulated| service.needs.iter().any(|need| need.eq_ignore_ascii_case(name));
        let found = services.iter().filter(|(_, s)| s.state != State::Stopped && needs(s));
        Ok(found.map(|(name, _)| (*name).to_owned()).collect())
    }
}
