//! The profile of one agent's life: what was asked, in whose words, and what the last collection told.

use crate::event::{Events, Severity, of_execution};
use crate::measure::{Measured, is_cold};
use crate::platform::Platform;
use crate::policy::{LOCKED, UNSIGNED};
use crate::route::Shape;
use crate::scripts::Asking;
use infiniservice_link::Line;
use infiniservice_protocol::metrics::SystemMetrics;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::time::Duration;

/// What the operator allows, and what the machine is.
#[derive(Clone, Debug)]
pub struct Switches {
    /// The platform whose rows of the tables hold.
    pub platform: Platform,
    /// Lines without a signature are taken (for tests only): what is dangerous is refused all the same.
    pub unsigned: bool,
    /// Nothing is carried out, for want of a secret.
    pub locked: bool,
    /// Name and version of the system, for people (`PRETTY_NAME`).
    pub os: String,
    /// Raw commands and PowerShell are on.
    pub unsafe_commands: bool,
}

/// What was asked under one id.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    /// How many commands of this id wait for an answer.
    count: u32,
}

/// The layer between the host's words and the agent's.
#[derive(Debug)]
pub struct Profile {
    pub(crate) switches: Switches,
    pub(crate) measured: Measured,
    notes: HashMap<String, Note>,
    events: Events,
    asking: Asking,
}

impl Profile {
    /// A profile that has heard nothing.
    pub fn new(switches: Switches) -> Self {
        Self {
            switches,
            measured: Measured::default(),
            notes: HashMap::new(),
            events: Events::default(),
            asking: Asking::default(),
        }
    }

    /// Whether raw commands are on, after the configuration was read again.
    pub fn set_unsafe_commands(&mut self, on: bool) {
        self.switches.unsafe_commands = on;
    }

    /// A host connected.
    pub fn connected(&mut self) {
        self.measured.connected();
    }

    /// A collection for the host, completed; `None` where it has to be made again in a second, as the processor's share would
    /// be a false 0.
    pub fn measure(&mut self, now: Duration, mut metrics: SystemMetrics) -> Option<SystemMetrics> {
        let cold = is_cold(&metrics.collection.failed) && metrics.request_id.is_none();
        self.measured.complete(now, self.switches.platform, &mut metrics);
        (!cold).then_some(metrics)
    }

    /// Whether the metrics being sent are the first of this connection; asked once for each.
    pub fn begins(&mut self) -> bool {
        self.measured.begins()
    }

    /// An `agent_event`, if there is room for it in this minute.
    pub fn event(
        &mut self,
        now: Duration,
        severity: Severity,
        message: &str,
        context: Map<String, Value>,
    ) -> Option<Line> {
        self.events.take(now, severity, message, context)
    }

    /// The same of one execution of a script.
    pub fn event_of(&mut self, now: Duration, execution_id: &str, message: &str) -> Option<Line> {
        let event = self.events.take(now, Severity::Info, message, Map::new())?;
        Some(of_execution(event, execution_id))
    }

    /// Why no script may be run, whatever the settings say.
    pub fn refuses_scripts(&self) -> Option<&'static str> {
        if self.switches.locked { Some(LOCKED) } else { self.switches.unsigned.then_some(UNSIGNED) }
    }

    /// When the host is asked for scripts.
    pub fn asking(&mut self) -> &mut Asking {
        &mut self.asking
    }

    /// The moment at which it is to be.
    pub fn asking_at(&self) -> Option<Duration> {
        self.asking.next_deadline()
    }

    pub(crate) fn note(&mut self, id: &str, name: &str, shape: Shape) {
        let waiting = self.notes.get(id).map_or(0, |note| note.count);
        let note = Note { name: name.to_owned(), shape, count: waiting + 1 };
        self.notes.insert(id.to_owned(), note);
    }

    /// What was asked under this id; forgotten with its last answer.
    pub(crate) fn recall(&mut self, id: &str) -> Option<Note> {
        let note = self.notes.get_mut(id)?;
        note.count -= 1;
        if note.count == 0 { self.notes.remove(id) } else { Some(note.clone()) }
    }
}
