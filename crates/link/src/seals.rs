//! Sealed lines at the link: what may still be asked in the open, and sealing of what is answered.

use super::askers::{Asker, Askers};
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::encode::Body;
use infiniservice_protocol::host::BatchCommand;
use infiniservice_protocol::sealed::{self, Controllers, KeyPair, Random};
use infiniservice_protocol::{Action, ActionName, ErrorCode, GuestMessage, HostMessage, Limits, Rejection};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Draws randomness; `None` where the system has none.
pub type Draw = Box<dyn FnMut() -> Option<Random> + Send>;

/// What sealed lines need.
pub struct SealSettings {
    /// This machine's key.
    pub own: KeyPair,
    /// Those who may seal lines to it.
    pub controllers: Arc<Controllers>,
    /// What may be asked in the open.
    pub plain: Plain,
    /// Where randomness comes from.
    pub draw: Draw,
}

impl fmt::Debug for SealSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealSettings").field("own", &self.own).finish_non_exhaustive()
    }
}

/// What is not sealed although controllers are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain {
    /// Metrics and streams of them.
    pub metrics: bool,
    /// Commands that only tell.
    pub reads: bool,
}

impl Plain {
    /// Whether this may be asked without being sealed.
    pub(super) fn allows(self, message: &HostMessage) -> bool {
        match message.untraced() {
            HostMessage::Hello { .. }
            | HostMessage::ZReset
            | HostMessage::KeepAliveResponse { .. }
            | HostMessage::KeepAliveRequest { .. } => true,
            HostMessage::Metrics { .. } | HostMessage::Subscribe(_) | HostMessage::Unsubscribe(_) => {
                self.metrics
            }
            HostMessage::SafeCommand(command) => self.allows_command(&command.action, &command.params),
            HostMessage::Batch(batch) => batch.commands.iter().all(|command| match command {
                BatchCommand::Safe(command) => self.allows_command(&command.action, &command.params),
                BatchCommand::Unsafe(_) => false,
            }),
            HostMessage::UnsafeCommand(_) | HostMessage::Cancel { .. } | HostMessage::Traced(_) => false,
        }
    }

    fn allows_command(self, action: &str, params: &serde_json::Map<String, serde_json::Value>) -> bool {
        match ActionName::from_name(action) {
            // It is refused anyway, and by a better word.
            None => true,
            // What they tell came of commands that were sealed: the agent's own log has its audit.
            Some(ActionName::ScriptStatus | ActionName::PackageChangeStatus | ActionName::ServiceLogs) => {
                false
            }
            Some(_) => self.reads && Action::parse(action, params).is_ok_and(|action| action.is_read_only()),
        }
    }
}

/// What a key for monitoring may ask for.
pub(super) fn is_for_monitors(message: &HostMessage) -> bool {
    Plain { metrics: true, reads: false }.allows(message) && !matches!(message, HostMessage::SafeCommand(_))
}

/// The sealing end of the outbox.
pub(super) struct Seals {
    own: KeyPair,
    controllers: Arc<Controllers>,
    plain: Plain,
    draw: Draw,
    pub(super) askers: Askers,
    now: (Duration, SystemTime),
}

impl fmt::Debug for Seals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seals").field("own", &self.own).field("plain", &self.plain).finish_non_exhaustive()
    }
}

impl Seals {
    pub(super) fn new(settings: SealSettings, limits: &Limits) -> Self {
        let SealSettings { own, controllers, plain, draw } = settings;
        let now = (Duration::ZERO, UNIX_EPOCH);
        Self { own, controllers, plain, draw, askers: Askers::new(limits), now }
    }

    /// The time of what is sealed from now on.
    pub(super) fn set_now(&mut self, now: Now) {
        self.now = (now.mono, now.wall);
    }

    /// Other limits hold for what is remembered.
    pub(super) fn set_limits(&mut self, limits: &Limits) {
        self.askers.set_limits(limits);
    }

    pub(super) fn set_controllers(&mut self, controllers: Arc<Controllers>) {
        self.controllers = controllers;
    }

    /// For whom a message is.
    pub(super) fn recipient(&mut self, message: &GuestMessage) -> Recipient {
        let asker = match message {
            GuestMessage::Response(response) => self.askers.of(&response.id),
            GuestMessage::BatchResult(result) => self.askers.of(&result.id),
            GuestMessage::Output(output) => self.askers.of(&output.id),
            GuestMessage::Stream(sample) => match self.askers.of_subscription(sample.subscription) {
                Some(asker) => asker,
                None if self.plain.metrics => None,
                None => return Recipient::Nobody,
            },
            GuestMessage::SystemMetrics(metrics) => {
                match metrics.request_id.as_deref().and_then(|id| self.askers.of(id)) {
                    Some(asker) => Some(asker),
                    None if self.plain.metrics => None,
                    // In the open nobody may ask for them.
                    None => return self.monitor(),
                }
            }
            GuestMessage::Hello(_) => self.askers.of_hello(),
            GuestMessage::KeepAlive(_)
            | GuestMessage::Error(_)
            | GuestMessage::CircuitBreakerState(_)
            | GuestMessage::Channel(_) => None,
        };
        asker.map_or(Recipient::All, Recipient::One)
    }

    fn monitor(&self) -> Recipient {
        let monitor = self.controllers.monitor();
        monitor.map_or(Recipient::Nobody, |found| {
            Recipient::One(Asker { kid: Arc::clone(&found.kid), routed: false })
        })
    }

    /// Takes note that a message answers what was asked.
    pub(super) fn answered(&mut self, message: &GuestMessage) {
        match message {
            GuestMessage::Response(response) => {
                if let Some(number) = response.data.get("subscription").and_then(serde_json::Value::as_u64)
                    && response.command_type == "Subscribe"
                    && response.success
                {
                    self.askers.subscribed(number, &response.id);
                }
                self.askers.answered(self.now.0, &response.id);
            }
            GuestMessage::BatchResult(result) => self.askers.answered(self.now.0, &result.id),
            GuestMessage::SystemMetrics(metrics) => {
                if let Some(id) = &metrics.request_id {
                    self.askers.answered(self.now.0, id);
                }
            }
            _ => {}
        }
    }

    /// The message for this asker alone, cut where its line would be longer than `max`.
    pub(super) fn seal(&mut self, message: &mut GuestMessage, max: usize, asker: &Asker) -> Body {
        let mut line = Vec::new();
        Body::encode_within(message, sealed::inner_room(max)).finish(self.now.1, &mut line);
        let id = id_of(message).filter(|_| asker.routed);
        self.body(id, &line, asker).unwrap_or_else(|| not_sealed(message))
    }

    fn body(&mut self, id: Option<&str>, line: &[u8], asker: &Asker) -> Option<Body> {
        let controller = self.controllers.find(&asker.kid)?;
        sealed::seal_answer(&self.own, controller, id, line, (self.draw)()?)
    }
}

/// Who may read a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recipient {
    /// Whoever reads the port.
    All,
    /// The one who asked.
    One(Asker),
    /// There is none whom it is for.
    Nobody,
}

/// By which an answer is routed.
fn id_of(message: &GuestMessage) -> Option<&str> {
    match message {
        GuestMessage::Response(response) => Some(&response.id),
        GuestMessage::BatchResult(result) => Some(&result.id),
        GuestMessage::Output(output) => Some(&output.id),
        GuestMessage::SystemMetrics(metrics) => metrics.request_id.as_deref(),
        _ => None,
    }
}

/// In the place of what cannot be told to anybody: the key was removed meanwhile, or the system gives no randomness.
fn not_sealed(message: &GuestMessage) -> Body {
    let why = "the answer cannot be sealed: the key of the one who asked was removed from controller_keys, or \
        the system has no randomness";
    let mut rejection = Rejection::new(ErrorCode::Internal, why);
    rejection.id = id_of(message).map(str::to_owned);
    Body::encode(&rejection.into_message())
}
