//! What the service control manager tells of a service (`SERVICE_STATUS_PROCESS`, `QUERY_SERVICE_CONFIGW`), in the wire's words.

use crate::sanitize;
use crate::win32::codes;
use infiniservice_protocol::data::ServiceInfo;
use infiniservice_protocol::metrics;

/// `SERVICE_ACCEPT_STOP`.
const ACCEPT_STOP: u32 = 1;
/// `SERVICE_RUNS_IN_SYSTEM_PROCESS`: it must always run.
const IN_SYSTEM_PROCESS: u32 = 1;

/// `dwCurrentState`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// 1.
    #[default]
    Stopped,
    /// 2.
    StartPending,
    /// 3.
    StopPending,
    /// 4.
    Running,
    /// 5.
    ContinuePending,
    /// 6.
    PausePending,
    /// 7.
    Paused,
    /// None of them.
    Unknown(u32),
}

impl State {
    /// By Windows' number.
    pub const fn from_number(number: u32) -> Self {
        match number {
            1 => Self::Stopped,
            2 => Self::StartPending,
            3 => Self::StopPending,
            4 => Self::Running,
            5 => Self::ContinuePending,
            6 => Self::PausePending,
            7 => Self::Paused,
            other => Self::Unknown(other),
        }
    }

    /// On its way to another state.
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::StartPending | Self::StopPending | Self::ContinuePending | Self::PausePending)
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::StartPending => "starting",
            Self::StopPending => "stopping",
            Self::Running => "running",
            Self::ContinuePending => "resuming",
            Self::PausePending => "pausing",
            Self::Paused => "paused",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// How a service is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// `dwCurrentState`.
    pub state: State,
    /// `dwServiceType`: bits.
    pub service_type: u32,
    /// `dwControlsAccepted`: bits.
    pub accepts: u32,
    /// `dwWin32ExitCode`.
    pub exit_code: u32,
    /// `dwServiceSpecificExitCode`, with exit code 1066.
    pub specific_code: u32,
    /// `dwCheckPoint`: grows while a pending state makes progress.
    pub checkpoint: u32,
    /// `dwWaitHint`: how long until the next checkpoint, in milliseconds.
    pub wait_hint_ms: u32,
    /// 0 where it does not run.
    pub pid: u32,
    /// `dwServiceFlags`.
    pub flags: u32,
}

impl Status {
    /// Whether it takes the stop control now.
    pub const fn accepts_stop(&self) -> bool {
        self.accepts & ACCEPT_STOP != 0
    }

    /// Whether it ended with an error: not one that never ran, and not one that stopped as asked.
    pub fn failed(&self) -> bool {
        self.state == State::Stopped && !matches!(self.exit_code, 0 | codes::NEVER_STARTED)
    }

    /// With what code it ended, in words.
    pub fn exit_words(&self) -> String {
        match self.exit_code {
            codes::SPECIFIC => format!("it ended with its own error code {}", self.specific_code),
            code => codes::explain(code),
        }
    }

    /// For the wire.
    pub fn word(&self) -> &'static str {
        if self.failed() { "failed" } else { self.state.word() }
    }
}

/// `dwStartType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartType {
    /// Drivers only.
    Boot,
    /// Drivers only.
    System,
    /// At boot.
    Auto,
    /// When asked for.
    #[default]
    Manual,
    /// Never.
    Disabled,
    /// None of them.
    Unknown(u32),
}

impl StartType {
    /// By Windows' number.
    pub const fn from_number(number: u32) -> Self {
        match number {
            0 => Self::Boot,
            1 => Self::System,
            2 => Self::Auto,
            3 => Self::Manual,
            4 => Self::Disabled,
            other => Self::Unknown(other),
        }
    }

    /// For the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Boot => "boot",
            Self::System => "system",
            Self::Auto => "auto",
            Self::Manual => "manual",
            Self::Disabled => "disabled",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// What was configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// When it starts.
    pub start_type: StartType,
    /// The command line of its process.
    pub command_line: String,
    /// Services that it needs; groups begin with `+`.
    pub dependencies: Vec<String>,
    /// For people.
    pub description: String,
}

/// One service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// The short one.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// Now.
    pub status: Status,
    /// Absent where the agent may not read it.
    pub config: Option<Config>,
}

impl Service {
    fn start_type(&self) -> StartType {
        self.config.as_ref().map_or(StartType::Unknown(u32::MAX), |config| config.start_type)
    }

    fn description(&self) -> String {
        self.config.as_ref().map(|config| sanitize::description(&config.description)).unwrap_or_default()
    }

    fn pid(&self) -> Option<u32> {
        Some(self.status.pid).filter(|pid| *pid != 0)
    }

    /// For `ServiceList` and `ServiceControl`.
    pub fn info(&self) -> ServiceInfo {
        let enabled = self.start_type() != StartType::Disabled;
        let can_stop = self.status.accepts_stop() && self.status.flags & IN_SYSTEM_PROCESS == 0;
        ServiceInfo {
            name: self.name.clone(),
            display_name: sanitize::description(&self.display_name),
            description: self.description(),
            status: self.status.word().into(),
            startup_type: self.start_type().word().into(),
            pid: self.pid(),
            can_start: enabled && self.status.state == State::Stopped,
            can_stop,
            can_restart: can_stop && enabled,
            failure: self.status.failed().then(|| self.status.exit_words()),
            ..ServiceInfo::default()
        }
    }

    /// For the metrics.
    pub fn metric(&self) -> metrics::Service {
        let config = self.config.as_ref();
        metrics::Service {
            name: self.name.clone(),
            display_name: sanitize::description(&self.display_name),
            description: Some(self.description()).filter(|text| !text.is_empty()),
            state: self.status.word().into(),
            start_type: self.start_type().word().into(),
            service_type: Some(kind(self.status.service_type).into()),
            exe_path: config.and_then(|config| program(&config.command_line)),
            pid: self.pid(),
            dependencies: config.map(|config| config.dependencies.clone()).unwrap_or_default(),
        }
    }
}

/// `SERVICE_WIN32_OWN_PROCESS` and its like; bit 64 is a user's instance or template.
fn kind(bits: u32) -> &'static str {
    match bits {
        bits if bits & 0x0B != 0 => "driver",
        bits if bits & 0x40 != 0 => "user",
        bits if bits & 0x20 != 0 => "shared_process",
        bits if bits & 0x10 != 0 => "own_process",
        _ => "other",
    }
}

/// The program of a command line: what is quoted, or all up to `.exe`, or the first word.
pub fn program(command_line: &str) -> Option<String> {
    let text = command_line.trim();
    let program = if let Some(quoted) = text.strip_prefix('"') {
        quoted.split('"').next().unwrap_or_default()
    } else {
        let lower = text.to_ascii_lowercase();
        let end = lower.match_indices(".exe").map(|(at, _)| at + 4).find(|end| {
            let rest = lower.get(*end..).unwrap_or_default();
            rest.is_empty() || rest.starts_with(char::is_whitespace)
        });
        let word = || text.split_whitespace().next().unwrap_or_default();
        end.and_then(|end| text.get(..end)).unwrap_or_else(word)
    };
    Some(program.to_owned()).filter(|program| !program.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(state: State, start_type: StartType) -> Service {
        let status = Status { state, accepts: 1, pid: 7, ..Status::default() };
        let config = Config { start_type, ..Config::default() };
        Service { name: "Spooler".into(), status, config: Some(config), ..Service::default() }
    }

    #[test]
    fn states_and_start_types_have_the_wires_words() {
        let info = service(State::Running, StartType::Auto).info();
        assert_eq!(
            (info.status.as_str(), info.startup_type.as_str(), info.pid),
            ("running", "auto", Some(7))
        );
        assert_eq!((info.can_start, info.can_stop, info.can_restart), (false, true, true));
        assert_eq!(service(State::StopPending, StartType::Manual).info().status, "stopping");
        assert_eq!(State::from_number(99), State::Unknown(99));
    }

    #[test]
    fn a_disabled_service_can_be_stopped_but_neither_started_nor_restarted() {
        let info = service(State::Running, StartType::Disabled).info();
        assert_eq!((info.can_stop, info.can_restart), (true, false));
        assert!(!service(State::Stopped, StartType::Disabled).info().can_start);
    }

    #[test]
    fn only_one_that_ended_with_an_error_has_failed() {
        let ended = |exit_code| Status { exit_code, ..Status::default() };
        let words = [0, 1077, 1067, 1066].map(|code| ended(code).word());
        assert_eq!(words, ["stopped", "stopped", "failed", "failed"]);
        let own = Status { specific_code: 42, ..ended(1066) };
        assert!(own.exit_words().contains("own error code 42"));
    }

    #[test]
    fn the_program_of_a_command_line_is_found_with_and_without_quotes() {
        let cases = [
            (r#""C:\Program Files\A B\x.exe" --run"#, r"C:\Program Files\A B\x.exe"),
            (r"C:\Windows\system32\svchost.exe -k netsvcs -p", r"C:\Windows\system32\svchost.exe"),
            (r"C:\Program Files\A B\x.exe /s", r"C:\Program Files\A B\x.exe"),
            (r"system32\drivers\x.sys", r"system32\drivers\x.sys"),
            (r#""C:\never closed"#, r"C:\never closed"),
        ];
        for (line, want) in cases {
            assert_eq!(program(line).as_deref(), Some(want), "{line}");
        }
        assert_eq!(program("  "), None);
    }
}
