//! The profile of Infinibay's host in the loop: its commands on their way in, answers and metrics on their way out.

use super::agent::Agent;
use super::sources::Collected;
use crate::config::{Settings, WireProfile};
use infiniservice_actions::PowerAction;
use infiniservice_channel::transport::Transport;
use infiniservice_exec::CommandError;
use infiniservice_infinibay::{Answered, Platform, Profile, Severity, Speech, Step, Switches};
use infiniservice_link::{Event, Line, Said};
use infiniservice_platform::AGENT_VERSION;
use infiniservice_platform::clock::Clock;
use infiniservice_protocol::guest::{GuestMessage, Response};
use infiniservice_protocol::host::HostMessage;
use infiniservice_protocol::metrics::SystemMetrics;
use infiniservice_protocol::{ActionName, ErrorCode};
use serde_json::{Map, Value};
use std::time::Duration;

/// Longest line of the host: several scripts come in one, JSON within JSON.
pub(super) const LINE_MAX_BYTES: usize = 16 << 20;
/// Longest line to the host: it drops those of four million characters.
pub(super) const OUTGOING_MAX_BYTES: usize = 3_900_000;
/// Between two samples, where a rate needs a second one.
const SECOND_SAMPLE: Duration = Duration::from_secs(1);
/// From the answer to the restart, and the longest that an answer may wait to be read.
const RESTART_IN: Duration = Duration::from_secs(5);
/// See [`RESTART_IN`].
const RESTART_AT_LAST: Duration = Duration::from_secs(10);
/// Of a command that was answered without running.
const NO_PARAMETERS: &str = "{}";

/// The profile of this agent, where the settings ask for it.
pub(super) fn profile(settings: &Settings, os: &str) -> Option<Box<Profile>> {
    (settings.wire_profile == WireProfile::Infinibay).then(|| {
        Box::new(Profile::new(Switches {
            platform: Platform::HERE,
            unsigned: is_unsigned(settings),
            locked: is_locked(settings),
            os: os.to_owned(),
            unsafe_commands: settings.allow_unsafe_commands,
        }))
    })
}

/// How it speaks, where the settings ask for it.
pub(super) fn speech(settings: &Settings) -> Option<Speech> {
    (settings.wire_profile == WireProfile::Infinibay).then(|| Speech {
        version: AGENT_VERSION.to_owned(),
        platform: Platform::HERE,
        vm_id: settings.vm_id.clone().unwrap_or_default(),
        locked: is_locked(settings),
        max_line_bytes: LINE_MAX_BYTES,
    })
}

fn is_locked(settings: &Settings) -> bool {
    settings.shared_secret.is_none() && !settings.allow_unsigned
}

fn is_unsigned(settings: &Settings) -> bool {
    settings.shared_secret.is_none() && settings.allow_unsigned
}

/// A restart that was answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Restart {
    /// Not before.
    pub(super) due: Duration,
    /// Whether or not the answer was read.
    at_last: Duration,
}

impl<T: Transport, C: Clock> Agent<T, C> {
    /// Says at the start what must not be overlooked.
    pub(super) fn warn_of_unsigned_lines(&self) {
        let settings = &self.config.settings;
        if settings.wire_profile == WireProfile::Infinibay && is_unsigned(settings) {
            log::warn!(
                "allow_unsigned is set: commands that NOBODY HAS SIGNED are carried out; this is for tests only"
            );
        }
    }

    /// A command in the host's words.
    pub(super) fn translated_command(&mut self, message: HostMessage) {
        let Some(profile) = &mut self.profile else { return };
        match profile.ask(message) {
            Step::Run(message, alias) => {
                self.executor.submit_as(self.clock.now(), *message, Some(&alias));
            }
            Step::Answer(answer) => self.answered_at_once(*answer),
            Step::AnswerAndMeasure(answer) => {
                self.answered_at_once(*answer);
                self.want_metrics(None);
            }
            Step::Reboot { answer, force } => self.asked_to_restart(*answer, force),
        }
    }

    /// What needs nothing to be run is under the operator's policy, and in the audit, all the same.
    fn answered_at_once(&mut self, answer: Answered) {
        let Answered(mut response) = answer;
        let name = &response.command_type;
        if let Err(error) = self.executor.permit(name, name) {
            response = self.refusal(&response, error.code, &error.error);
        }
        self.record_and_send(response);
    }

    /// An answer that is decided.
    fn record_and_send(&mut self, response: Response) {
        self.executor.record(&response.command_type, NO_PARAMETERS, &response);
        self.send(GuestMessage::Response(response));
    }

    fn refusal(&mut self, of: &Response, code: ErrorCode, why: &str) -> Response {
        let refused = Response::failed(&of.id, &of.command_type, code, why);
        match &mut self.profile {
            Some(profile) => profile.answer(refused).0,
            None => refused,
        }
    }

    /// Nothing restarts where the answer is a refusal.
    fn asked_to_restart(&mut self, answer: Answered, force: bool) {
        let Answered(response) = answer;
        let Err(refused) = self.may_restart(&response.command_type, force) else {
            let now = self.clock.now().mono;
            self.restart = Some(Restart { due: now + RESTART_IN, at_last: now + RESTART_AT_LAST });
            return self.record_and_send(response);
        };
        let refused = self.refusal(&response, refused.code, &refused.error);
        self.record_and_send(refused);
    }

    /// What the operator says comes first, under the native name or the host's; then what the machine can.
    pub(super) fn may_restart(&self, alias: &str, force: bool) -> Result<(), CommandError> {
        self.executor.permit(ActionName::Reboot.name(), alias)?;
        if let Some(why) = self.executor.lacks(ActionName::Reboot) {
            return Err(CommandError::new(ErrorCode::Unsupported, why));
        }
        if self.executor.changes_packages() && !force {
            let why = "packages are being changed; `force` restarts all the same";
            return Err(CommandError::new(ErrorCode::Busy, why));
        }
        Ok(())
    }

    /// The restart that is due, once its answer has left.
    pub(super) fn restart_if_due(&mut self) {
        let now = self.clock.now().mono;
        let Some(restart) = self.restart.filter(|restart| now >= restart.due) else { return };
        if !self.link.is_drained() && now < restart.at_last {
            self.restart = Some(Restart { due: now + SECOND_SAMPLE, ..restart });
            return;
        }
        self.restart = None;
        log::warn!("the machine restarts: the host asked for it");
        let end = self.executor.end_machine(PowerAction::Reboot);
        tokio::spawn(async move {
            if let Err(error) = end.await {
                log::error!("the machine cannot be restarted: {error}");
            }
        });
    }

    /// An answer in the host's shape.
    pub(super) fn answer(&mut self, response: Response) {
        let response = match &mut self.profile {
            Some(profile) => profile.answer(response).0,
            None => response,
        };
        self.send(GuestMessage::Response(response));
    }

    /// Metrics in the host's shape; a first sample without rates is followed by a second one instead.
    pub(super) fn send_metrics(&mut self, collected: Collected, request_id: Option<String>) {
        let trace = self.traces.of(request_id.as_deref(), &collected);
        let message = SystemMetrics { trace, ..collected.into_message(request_id) };
        let now = self.clock.now().mono;
        let Some(profile) = &mut self.profile else {
            return self.send(GuestMessage::SystemMetrics(message));
        };
        let Some(message) = profile.measure(now, message) else {
            return self.schedule.collect_at(now + SECOND_SAMPLE);
        };
        let first = profile.begins();
        self.send(GuestMessage::SystemMetrics(message));
        if first {
            self.want_scripts();
        }
    }

    /// A line that only this host knows.
    pub(super) fn say(&mut self, line: Line, receipt: Option<u64>) {
        self.tell(Event::Say(Said { line, receipt }));
    }

    /// An `agent_event`, where there is a host for it and room in this minute.
    pub(super) fn inform(&mut self, severity: Severity, message: &str, context: Value) {
        let now = self.clock.now().mono;
        let context: Map<String, Value> =
            if let Value::Object(context) = context { context } else { Map::new() };
        let line = self.profile.as_mut().and_then(|profile| profile.event(now, severity, message, context));
        if let Some(line) = line {
            self.say(line, None);
        }
    }
}
