//! What all tasks share: the machines, the links to them, and their clients.

use super::board::Board;
use super::inbox::{Inbox, Item};
use super::jobs::Jobs;
use super::outbox::Outbox;
use super::peer::Actor;
use super::permit::{Permits, change};
use super::trail::Trail;
use super::{clock, secret};
use crate::config::Config;
use infiniservice_hub_core::delivery::Status;
use infiniservice_hub_core::fleet::NotTaken;
use infiniservice_hub_core::machine::{Machine, Reaction, Write};
use infiniservice_hub_core::request::Request;
use infiniservice_hub_core::router::Verdict;
use infiniservice_hub_core::{Client, Fleet, Kind, Policy};
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::encode::Body;
use infiniservice_protocol::envelope::Signer;
use infiniservice_protocol::{ErrorCode, HostMessage, LineItem, Rejection};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// Connections to guests that begin in a second: a host with thousands of machines is not to feel the hub's start.
const CONNECTS_A_SECOND: u32 = 200;
/// Clients at one time, of both sockets.
const MAX_CLIENTS: usize = 4096;

/// The way to one guest.
#[derive(Default)]
struct Link {
    outbox: Rc<Outbox>,
    signer: Option<Signer>,
    clients: Vec<(Client, Rc<Inbox>)>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) fleet: Fleet,
    pub(super) jobs: Jobs,
    pub(super) trail: Trail,
    /// How sending by OTLP stands, where it is on.
    pub(super) exported: Option<watch::Receiver<Status>>,
    links: HashMap<Arc<str>, Link>,
    last_client: u64,
    clients: usize,
}

/// A client's place at a machine. It leaves when this is dropped.
pub(super) struct Seat {
    hub: Rc<Hub>,
    vm: Arc<str>,
    client: Client,
    actor: Actor,
    /// What the guest says to it.
    pub(super) inbox: Rc<Inbox>,
}

/// The hub.
pub(super) struct Hub {
    /// The settings.
    pub(super) config: Config,
    /// Who may change what.
    pub(super) policy: Permits,
    /// This run of the hub, among all: an event's number counts for it alone.
    pub(super) instance: String,
    /// Is woken whenever something happened.
    pub(super) happened: Notify,
    /// The table as its viewers see it.
    pub(super) board: RefCell<Board>,
    pub(super) state: RefCell<State>,
    next_connect: Cell<Option<Instant>>,
}

impl Hub {
    pub(super) fn new(config: Config, policy: Policy) -> Self {
        let jobs = Jobs::open(&config.state_dir);
        let state = RefCell::new(State { jobs, ..State::default() });
        let (board, next_connect) = (RefCell::default(), Cell::default());
        let instance = format!("{:016x}", fastrand::u64(..));
        Self {
            config,
            policy: Permits::new(policy),
            instance,
            happened: Notify::new(),
            board,
            state,
            next_connect,
        }
    }

    /// Waits for its turn to connect.
    pub(super) async fn pace(&self) {
        let now = Instant::now();
        let turn = self.next_connect.get().filter(|next| *next > now).unwrap_or(now);
        self.next_connect.set(Some(turn + Duration::from_secs(1) / CONNECTS_A_SECOND));
        tokio::time::sleep_until(turn).await;
    }

    /// Reads the table.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Fleet) -> T) -> T {
        look(&self.state.borrow().fleet)
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

    /// A machine's socket is connected: what is to be written to it.
    pub(super) fn connected(&self, name: &Arc<str>) -> Rc<Outbox> {
        let signer = secret::of(&self.config.secrets_dir, name).unwrap_or_else(|error| {
            log::error!("{name}: its secret is not used: {error}");
            None
        });
        let mut state = self.state.borrow_mut();
        let link = state.links.entry(Arc::clone(name)).or_default();
        link.signer = signer;
        link.outbox.clear();
        link.outbox.push(b"\n");
        let outbox = Rc::clone(&link.outbox);
        drop(state);
        self.act(name, |machine, now| Reaction { write: machine.connected(now), ..Reaction::default() });
        outbox
    }

    /// A machine's socket was closed, or could not be connected. Its clients go, as those of the socket itself would.
    pub(super) fn closed(&self, name: &Arc<str>, reason: &str) {
        let event = |machine: &mut Machine, now| machine.closed(now, reason).into_iter().collect();
        self.act(name, |machine, now| Reaction { events: event(machine, now), ..Reaction::default() });
        let link = self.state.borrow_mut().links.remove(name);
        for (_, inbox) in link.into_iter().flat_map(|link| link.clients) {
            inbox.close(reason);
        }
    }

    /// A guest has sent bytes.
    pub(super) fn spoke(&self, name: &Arc<str>) {
        let event = |machine: &mut Machine, now| machine.spoke(now).into_iter().collect();
        self.act(name, |machine, now| Reaction { events: event(machine, now), ..Reaction::default() });
    }

    /// A guest has sent a line.
    pub(super) fn line(&self, name: &Arc<str>, item: LineItem) {
        match item {
            LineItem::Line(line) => {
                let line: Rc<str> = line.into();
                self.act_and_deliver(name, Some(&line), |machine, now| machine.line(now, &line));
            }
            LineItem::TooLong { bytes } => {
                let error = format!(
                    "a line is longer than the longest that a guest may send: {bytes} bytes and more"
                );
                self.act(name, |machine, now| machine.bad_line(now, &error));
            }
            LineItem::InvalidUtf8 { valid_up_to, .. } => {
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
        self.tell(&state.fleet, before);
    }

    fn act(&self, name: &Arc<str>, act: impl FnOnce(&mut Machine, Now) -> Reaction) {
        self.act_and_deliver(name, None, act);
    }

    fn act_and_deliver(
        &self,
        name: &Arc<str>,
        line: Option<&Rc<str>>,
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
            let line = line.map(|line| &**line);
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

    /// Takes a place at a machine.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn attach(self: &Rc<Self>, vm: &str, actor: &Actor) -> Result<Seat, Rejection> {
        let mut state = self.state.borrow_mut();
        if state.clients >= MAX_CLIENTS {
            let error = format!("{MAX_CLIENTS} clients are connected, the most that the hub serves");
            return Err(Rejection::new(ErrorCode::QueueFull, error));
        }
        let client = Client(state.last_client + 1);
        let Some((name, link)) =
            state.links.get_key_value(vm).map(|(name, _)| Arc::clone(name)).and_then(|name| {
                let link = state.links.get_mut(&name)?;
                Some((name, link))
            })
        else {
            return Err(not_there(&state.fleet, vm));
        };
        let inbox = Rc::new(Inbox::default());
        link.clients.push((client, Rc::clone(&inbox)));
        state.last_client += 1;
        state.clients += 1;
        Ok(Seat { hub: Rc::clone(self), vm: name, client, actor: actor.clone(), inbox })
    }
}

/// Why nobody can take a place at a machine.
fn not_there(fleet: &Fleet, vm: &str) -> Rejection {
    let error = match fleet.get(vm) {
        None => format!("this hub knows no machine {vm:?}"),
        Some(entry) => {
            let machine = &entry.machine;
            format!("the machine {vm:?} is {}: {}", machine.state().name(), machine.reason())
        }
    };
    Rejection::new(ErrorCode::NotFound, error)
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

    fn write(&mut self, name: &Arc<str>, now: Now, writes: Vec<Write>) {
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
    fn deliver(&self, name: &Arc<str>, line: Option<&Rc<str>>, reaction: &Reaction) {
        let Some(way) = self.links.get(name) else { return };
        for (client, inbox) in &way.clients {
            if let Some(line) = line.filter(|_| reaction.to_all || reaction.to.contains(client)) {
                inbox.push(Item { line: Rc::clone(line), for_all: reaction.to_all });
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

impl Seat {
    /// The machine.
    pub(super) fn vm(&self) -> &str {
        &self.vm
    }

    /// Who has it.
    pub(super) const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Takes a line of the client, as it was read.
    pub(super) fn offer(&self, line: String, mut request: Result<Request, Rejection>) {
        let now = clock::now();
        let change = request.as_ref().ok().and_then(change);
        if let Ok(Request::Command(command)) = &mut request {
            command.by = self.actor.to_string();
        }
        let mut state = self.hub.state.borrow_mut();
        let vms = [self.vm.to_string()];
        let permit = change.as_ref().map_or(Ok(String::new()), |change| {
            self.hub.policy.permit(&state.fleet, now, &self.actor, change.ask(&vms))
        });
        let allowed = permit.clone().map(drop);
        let verdict = match state.of_a_job(&request) {
            Some(rejection) => Some(Verdict::Refuse(rejection)),
            None => state.fleet.with(now, &self.vm, |machine| {
                (machine.offer(now, self.client, allowed, line, request), vec![])
            }),
        };
        if let Some(change) = change {
            state.trail.decided(now, self.actor.to_string(), &self.vm, &change, permit, verdict.as_ref());
        }
        match verdict {
            Some(Verdict::Send(line)) => state.write(&self.vm, now, vec![Write::Line(line)]),
            Some(Verdict::Refuse(rejection)) => {
                self.inbox.push(Item { line: refusal(rejection).into(), for_all: false });
            }
            Some(Verdict::Waits | Verdict::Swallow) | None => {}
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let client = self.client;
        let mut state = self.hub.state.borrow_mut();
        state.clients -= 1;
        if let Some(link) = state.links.get_mut(&self.vm) {
            link.clients.retain(|(other, _)| *other != client);
        }
        state.fleet.with(clock::now(), &self.vm, |machine| (machine.leave(client), vec![]));
    }
}
