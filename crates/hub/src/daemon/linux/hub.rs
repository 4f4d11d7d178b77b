//! What all tasks share: the machines, the links to them, and their clients.

use super::board::Board;
use super::clock;
use super::connects::Connects;
use super::inbox::{Inbox, Item};
use super::jobs::Jobs;
use super::outbox::Outbox;
use super::outgoing::Outgoing;
use super::permit::Permits;
use super::settings::Settings;
use super::store::Store;
use super::trail::Trail;
use super::unix_diag::End;
use infiniservice_hub_core::delivery::Status;
use infiniservice_hub_core::fleet::NotTaken;
use infiniservice_hub_core::machine::{Machine, Reaction, Write};
use infiniservice_hub_core::tags::Assigned;
use infiniservice_hub_core::{Client, Fleet, Kind};
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::encode::Body;
use infiniservice_protocol::envelope::Signer;
use infiniservice_protocol::{ErrorCode, HostMessage, LineDecoder, LineRef, Rejection};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc, watch};

/// The way to one guest.
pub(super) struct Link {
    pub(super) path: PathBuf,
    pub(super) outbox: Rc<Outbox>,
    pub(super) decoder: Rc<RefCell<LineDecoder>>,
    /// Another hub has read the beginning of the first line, perhaps.
    pub(super) may_begin_torn: bool,
    pub(super) signer: Option<Signer>,
    pub(super) clients: Vec<(Client, Rc<Inbox>)>,
    /// Our end, as the kernel names it.
    pub(super) end: End,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) fleet: Fleet,
    pub(super) jobs: Jobs,
    /// Results of a fleet's orders, which wait for the engine.
    pub(super) outbox: Outgoing,
    /// Who takes all figures as they come, for the fleet.
    pub(super) live: Option<mpsc::Sender<(Arc<str>, Rc<str>)>>,
    pub(super) trail: Trail,
    /// How sending by OTLP stands, where it is on.
    pub(super) exported: Option<watch::Receiver<Status>>,
    pub(super) links: HashMap<Arc<str>, Link>,
    pub(super) last_client: u64,
    pub(super) clients: usize,
}

/// The hub.
pub(super) struct Hub {
    pub(super) settings: Settings,
    /// The connections that outlive the hub.
    pub(super) store: Store,
    pub(super) connects: Connects,
    /// Who may change what.
    pub(super) policy: Permits,
    /// This run of the hub, among all: an event's number counts for it alone.
    pub(super) instance: String,
    /// Is woken whenever something happened.
    pub(super) happened: Notify,
    /// The table as its viewers see it.
    pub(super) board: RefCell<Board>,
    pub(super) state: RefCell<State>,
}

impl Hub {
    pub(super) fn new(settings: Settings, store: Store, permits: Permits) -> Self {
        let jobs = Jobs::open(&settings.now().state_dir);
        let mut state = State { jobs, ..State::default() };
        state.fleet.own.restarts_survived = store.restarts;
        state.fleet.own.last_reload.taken_ms = clock::now().wall_ms();
        let (state, board, happened) = (RefCell::new(state), RefCell::default(), Notify::new());
        let (connects, policy) = (Connects::default(), permits);
        let instance = format!("{:016x}", fastrand::u64(..));
        Self { settings, store, connects, policy, instance, happened, board, state }
    }

    /// Reads the table.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Fleet) -> T) -> T {
        look(&self.state.borrow().fleet)
    }

    /// The host gives its machines these tags from now on.
    pub(super) fn assign(&self, tags: Assigned) {
        self.state.borrow_mut().fleet.assign(tags);
    }

    /// A socket is there.
    pub(super) fn claim(&self, name: &str, path: &str) -> Result<Arc<str>, NotTaken> {
        let claimed = self.state.borrow_mut().fleet.claim(clock::now(), name, path);
        self.happened.notify_waiters();
        claimed
    }

    /// A socket is gone.
    pub(super) fn vanished(&self, name: &str) {
        self.state.borrow_mut().fleet.vanished(clock::now(), name);
    }

    /// A guest has sent bytes.
    pub(super) fn spoke(&self, name: &Arc<str>) {
        let event = |machine: &mut Machine, now| machine.spoke(now).into_iter().collect();
        self.act(name, |machine, now| Reaction { events: event(machine, now), ..Reaction::default() });
    }

    /// A guest has sent a line.
    pub(super) fn line(&self, name: &Arc<str>, line: LineRef<'_>) {
        match line {
            torn if self.is_the_rest_of_a_line(name, torn) => {
                log::debug!("{name}: the rest of a line is dropped, whose beginning another hub had");
            }
            LineRef::Line(line) => {
                self.act_and_deliver(name, Some(line), |machine, now| machine.line(now, line));
            }
            LineRef::TooLong { bytes } => {
                let error = format!(
                    "a line is longer than the longest that a guest may send: {bytes} bytes and more"
                );
                self.act(name, |machine, now| machine.bad_line(now, &error));
            }
            LineRef::InvalidUtf8 { valid_up_to, .. } => {
                let error = format!("a line is not UTF-8 at byte {}", valid_up_to + 1);
                self.act(name, |machine, now| machine.bad_line(now, &error));
            }
        }
    }

    /// Time has passed.
    pub(super) fn tick(&self) {
        let now = clock::now();
        let mut state = self.state.borrow_mut();
        let before = state.fleet.events.last_seq();
        for (name, writes, done) in state.fleet.tick(now) {
            state.write(&name, now, writes);
            state.trail.done(now, &name, &done, None);
        }
        state.tick_jobs(now);
        self.connects.tell(&mut state.fleet.own);
        state.fleet.own.descriptors_stored = self.store.len() as u64;
        self.tell(&state.fleet, before);
    }

    pub(super) fn act(&self, name: &Arc<str>, act: impl FnOnce(&mut Machine, Now) -> Reaction) {
        self.act_and_deliver(name, None, act);
    }

    fn act_and_deliver(
        &self,
        name: &Arc<str>,
        line: Option<&str>,
        act: impl FnOnce(&mut Machine, Now) -> Reaction,
    ) {
        let now = clock::now();
        let mut state = self.state.borrow_mut();
        let before = state.fleet.events.last_seq();
        let reaction = state.fleet.with(now, name, |machine| {
            let mut reaction = act(machine, now);
            let events = std::mem::take(&mut reaction.events);
            (reaction, events)
        });
        if let Some(mut reaction) = reaction {
            state.write(name, now, std::mem::take(&mut reaction.write));
            state.deliver(name, line, &reaction);
            state.trail.done(now, name, &reaction.done, line);
            state.heard(now, name, reaction.answered.as_deref(), line, reaction.introduced);
        }
        self.tell(&state.fleet, before);
    }

    /// Writes to the log what happened, and wakes those who wait for it.
    fn tell(&self, fleet: &Fleet, after: u64) {
        if fleet.events.last_seq() == after {
            return;
        }
        for event in fleet.events.after(after) {
            log::log!(level(event.kind), "{}: {}", event.vm, event.text);
        }
        self.happened.notify_waiters();
    }
}

/// How loud an event is.
const fn level(kind: Kind) -> log::Level {
    match kind {
        Kind::Connected | Kind::AgentUpgraded | Kind::Rebooted | Kind::Restarted => log::Level::Info,
        _ => log::Level::Warn,
    }
}

impl State {
    /// Writes a line of the hub's own, signed where the guest has a secret; whether there was room for all of it.
    pub(super) fn write_signed(&self, now: Now, name: &str, write: Write) -> bool {
        let Some(way) = self.links.get(name) else { return false };
        let line = match (write, &way.signer) {
            (Write::Message(message), _) => way.encode(now, &message),
            (Write::Line(line), None) => line + "\n",
            (Write::Line(line), Some(signer)) => sign(signer, now, &line),
        };
        way.outbox.push(line.as_bytes())
    }

    pub(super) fn write(&mut self, name: &Arc<str>, now: Now, writes: Vec<Write>) {
        let Some(way) = self.links.get(name) else { return };
        for write in writes {
            let line = match write {
                Write::Message(message) => way.encode(now, &message),
                Write::Line(line) => line + "\n",
            };
            if !way.outbox.push(line.as_bytes()) {
                log::debug!("{name}: the guest reads nothing; a line for it was dropped");
            }
        }
    }

    /// Lines go to everybody, or to who asked; who asked for what a restart lost is told.
    fn deliver(&self, name: &Arc<str>, line: Option<&str>, reaction: &Reaction) {
        // Most lines are for nobody: one that is for somebody is copied once, whoever takes it.
        let copy = OnceCell::<Rc<str>>::new();
        let shared = |line: &str| Rc::clone(copy.get_or_init(|| line.into()));
        if let (Some(live), Some(line)) =
            (&self.live, line.filter(|line| reaction.to_all && is_figures(line)))
        {
            // Who is too slow has the next ones.
            let _taken_or_not = live.try_send((Arc::clone(name), shared(line)));
        }
        let Some(way) = self.links.get(name) else { return };
        for (client, inbox) in &way.clients {
            if let Some(line) = line.filter(|_| reaction.to_all || reaction.to.contains(client)) {
                inbox.push(Item { line: shared(line), for_all: reaction.to_all });
            }
            for (_, id) in reaction.lost.iter().filter(|(owner, _)| owner == client) {
                inbox.push(Item { line: lost(id).into(), for_all: false });
            }
        }
    }
}

impl Link {
    fn encode(&self, now: Now, message: &HostMessage) -> String {
        match &self.signer {
            None => message.to_line(now.wall),
            Some(signer) => sign(signer, now, &message.to_payload(now.wall)),
        }
    }
}

/// Whether a line has figures: what a guest may make up elsewhere in it does no harm.
fn is_figures(line: &str) -> bool {
    line.contains(r#""system_metrics""#)
}

fn sign(signer: &Signer, now: Now, payload: &str) -> String {
    let nonce = format!("{:032x}", fastrand::u128(..));
    signer.sign(now.wall_ms(), &nonce, payload)
}

/// The answer to what an agent took with it when it ended.
fn lost(id: &str) -> String {
    let error =
        "the agent was started anew before it answered: whether the command was carried out is not known";
    let rejection = Rejection { id: Some(id.to_owned()), ..Rejection::new(ErrorCode::Cancelled, error) };
    refusal(rejection)
}

/// A refusal as a line of the guest's wire, without its newline.
pub(super) fn refusal(rejection: Rejection) -> String {
    let mut line = Vec::new();
    Body::encode(&rejection.into_message()).finish(clock::now().wall, &mut line);
    String::from_utf8_lossy(&line).trim_end().to_owned()
}
