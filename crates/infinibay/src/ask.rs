//! From the host's command to the agent's own.

use crate::answer::{Answered, refuse, succeed};
use crate::policy::UNSIGNED;
use crate::profile::Profile;
use crate::route::{Params, Route, Sampled, Shape};
use crate::scripts::OWN_ACCOUNT;
use crate::shape::system;
use infiniservice_protocol::host::{SafeCommand, UnsafeCommand};
use infiniservice_protocol::{ErrorCode, HostMessage};
use serde_json::{Value, json};

/// What the machine's restart is announced by, in seconds.
const REBOOT_IN_SECS: u64 = 5;

/// What is to be done for one command.
#[derive(Debug)]
pub enum Step {
    /// The agent's own command, and the host's name of it where it has another.
    Run(Box<HostMessage>, String),
    /// Nothing but this answer.
    Answer(Box<Answered>),
    /// This answer, and fresh metrics at once.
    AnswerAndMeasure(Box<Answered>),
    /// This answer, then the machine starts anew; unless `force`, only when no package changes.
    Reboot {
        /// The answer where nothing stands in the way.
        answer: Box<Answered>,
        /// Whether a change of packages does not matter.
        force: bool,
    },
}

impl Profile {
    /// What is to be done for a command; other messages are not for it.
    pub fn ask(&mut self, message: HostMessage) -> Step {
        match message {
            HostMessage::SafeCommand(command) => self.safe(command),
            HostMessage::UnsafeCommand(command) => self.raw(command),
            other => Step::Run(Box::new(other), String::new()),
        }
    }

    fn safe(&mut self, command: SafeCommand) -> Step {
        if self.switches.unsigned && is_dangerous(&command.action) {
            return Step::Answer(Box::new(refuse(
                &command.id,
                &command.action,
                ErrorCode::SignatureInvalid,
                UNSIGNED,
            )));
        }
        match Route::of(&command.action, &command.params, self.switches.platform) {
            Route::Own => self.run(command, Shape::Plain),
            Route::Native(action, params, shape) => self.rename(command, action, params, shape),
            Route::Sample(what) => self.sample(&command, what),
            Route::Refused(code, why) => {
                Step::Answer(Box::new(refuse(&command.id, &command.action, code, &why)))
            }
            Route::Reboot { force } => {
                let data = json!({ "reboot_in_secs": REBOOT_IN_SECS });
                let said = format!("the machine restarts in {REBOOT_IN_SECS} s");
                Step::Reboot { answer: Box::new(succeed(&command.id, &command.action, data, said)), force }
            }
            Route::PowerShell(params) => self.powershell(command, &params),
        }
    }

    fn run(&mut self, mut command: SafeCommand, shape: Shape) -> Step {
        let name = command.action.clone();
        command.timeout = bounded(command.timeout);
        self.note(&command.id, &name, shape);
        Step::Run(Box::new(HostMessage::SafeCommand(command)), name)
    }

    fn rename(&mut self, command: SafeCommand, action: &str, params: Params, shape: Shape) -> Step {
        let name = command.action.clone();
        self.note(&command.id, &name, shape);
        let timeout = bounded(command.timeout);
        let own = SafeCommand { action: action.to_owned(), params, timeout, id: command.id, progress: false };
        Step::Run(Box::new(HostMessage::SafeCommand(own)), name)
    }

    fn raw(&mut self, mut command: UnsafeCommand) -> Step {
        const NAME: &str = infiniservice_protocol::action::UNSAFE_COMMAND;
        if self.switches.unsigned {
            let answer = refuse(&command.id, NAME, ErrorCode::SignatureInvalid, UNSIGNED);
            return Step::Answer(Box::new(answer));
        }
        command.run_as =
            command.run_as.filter(|user| !OWN_ACCOUNT.iter().any(|own| own.eq_ignore_ascii_case(user)));
        command.timeout = bounded(command.timeout);
        self.note(&command.id, NAME, Shape::Raw);
        Step::Run(Box::new(HostMessage::UnsafeCommand(command)), NAME.to_owned())
    }

    /// Any code as SYSTEM, whatever the host calls it: it needs what raw commands need.
    fn powershell(&mut self, command: SafeCommand, params: &Params) -> Step {
        let answer =
            |code, why: &str| Step::Answer(Box::new(refuse(&command.id, &command.action, code, why)));
        if !self.switches.unsafe_commands {
            let off = "PowerShell is off: the setting `allow_unsafe_commands` turns them on";
            return answer(ErrorCode::UnsafeDisabled, off);
        }
        let text = |name: &str| params.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        if text("script_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("inline")) {
            return answer(ErrorCode::Unsupported, "`script_type` must be inline");
        }
        let Some(script) = text("script") else {
            return answer(ErrorCode::InvalidParameter, "`script` is missing; it must be the text to run");
        };
        let own = params.get("timeout_seconds").and_then(Value::as_u64).filter(|secs| *secs > 0);
        let timeout = [own, bounded(command.timeout)].into_iter().flatten().min();
        let variables = params.get("environment_vars").and_then(Value::as_object);
        let variables = variables.into_iter().flatten();
        let raw = UnsafeCommand {
            id: command.id.clone(),
            raw_command: script.to_owned(),
            shell: Some("powershell".to_owned()),
            timeout,
            working_dir: text("working_directory").map(str::to_owned),
            env_vars: variables
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
            run_as: None,
            progress: false,
        };
        self.note(&command.id, &command.action, Shape::Script);
        Step::Run(Box::new(HostMessage::UnsafeCommand(raw)), command.action)
    }

    /// The last collection knows it.
    fn sample(&self, command: &SafeCommand, what: Sampled) -> Step {
        let Some(data) = self.measured.last() else {
            let why = "nothing has been measured yet; ask again in a few seconds";
            return Step::AnswerAndMeasure(Box::new(refuse(
                &command.id,
                &command.action,
                ErrorCode::Busy,
                why,
            )));
        };
        let (id, name, platform) = (&command.id, &command.action, self.switches.platform);
        match what {
            Sampled::Disks => {
                let (data, said) = system::drives(&data.system.disk, platform);
                Step::Answer(Box::new(succeed(id, name, data, said)))
            }
            Sampled::System => {
                let (data, said) = system::machine(&data.system, &self.switches.os);
                Step::AnswerAndMeasure(Box::new(succeed(id, name, data, said)))
            }
            Sampled::Os => {
                let (data, said) = system::os(&data.system.host, platform);
                Step::Answer(Box::new(succeed(id, name, data, said)))
            }
        }
    }
}

/// What is never done for a line that nobody has signed.
fn is_dangerous(action: &str) -> bool {
    [
        "RebootSystem",
        "JoinDomain",
        "PrepareGoldenImage",
        "ExecutePowerShellScript",
        "RestartServices",
        "RunMaintenanceTask",
        "CheckSystemIntegrity",
        "Shutdown",
        "Reboot",
    ]
    .contains(&action)
}

/// The host gives up exactly at its time: an answer that is to be heard has nine tenths of it, and a second at least is left.
fn bounded(asked: Option<u64>) -> Option<u64> {
    asked.filter(|secs| *secs > 0).map(|secs| (secs.saturating_mul(9) / 10).min(secs - 1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_tenths_of_the_hosts_time_are_used_and_a_second_is_left() {
        let found = [Some(30), Some(10), Some(5), Some(1), None, Some(0)].map(bounded);
        assert_eq!(found, [Some(27), Some(9), Some(4), Some(1), None, None]);
    }
}
