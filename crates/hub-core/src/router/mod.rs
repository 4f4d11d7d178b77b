//! Many clients on one guest's wire: whose answer is whose, and whose turn it is.
//!
//! A guest runs eight commands beside each other and lets 64 wait; one client could take them all. So no more than eight are
//! sent at a time, and the clients' waiting ones take turns.

mod done;

use crate::line::{Answer, Said};
use crate::request::{Command, Request};
use infiniservice_protocol::{ErrorCode, Rejection};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

pub use done::{Done, End, Sent};

/// Commands that are with the guest at one time, as many as it runs.
pub const MAX_IN_FLIGHT: usize = 8;
/// Commands that wait in the hub for one guest.
pub const MAX_WAITING: usize = 64;
/// Answers that are waited for at all, pings, cancellations and subscriptions among them.
pub const MAX_EXPECTED: usize = 1024;
/// Subscriptions whose owner is known.
const MAX_SUBSCRIPTIONS: usize = 64;
/// What the guest may take at most, where a command asks for no time.
const LONGEST_SECS: u64 = 3600;
/// What comes on top: the guest lets a command wait for a place as long as it may run.
const GRACE: Duration = Duration::from_secs(60);

/// One who uses a guest's wire through the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Client(pub u64);

/// What becomes of a client's line.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// Write it to the guest now.
    Send(String),
    /// It is kept until there is a place.
    Waits,
    /// The hub has done it, or it does nothing.
    Swallow,
    /// The client gets this; the guest sees nothing of it.
    Refuse(Rejection),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Id(String),
    Ping(u64),
}

#[derive(Debug)]
struct Expected {
    /// `None` once the client has gone.
    client: Option<Client>,
    takes_a_place: bool,
    until: Duration,
    /// It was answered by a line that only its client can open: that may have been the last one.
    may_be_over: bool,
    /// The command that it answers; none for a ping, and once for a batch.
    of: Option<Box<Sent>>,
}

#[derive(Debug)]
struct Waiting {
    line: String,
    command: Command,
    offered: Duration,
}

/// The clients of one guest.
#[derive(Debug, Default)]
pub struct Router {
    expected: HashMap<Key, Expected>,
    waiting: BTreeMap<Client, VecDeque<Waiting>>,
    /// Who had the last turn.
    last_turn: Option<Client>,
    hello: Vec<Client>,
    subscriptions: BTreeMap<u64, Client>,
    /// Commands of which nothing more comes, until somebody takes them.
    done: Vec<Done>,
}

impl Router {
    /// Takes a client's line. `now` is the monotonic clock.
    pub fn offer(&mut self, now: Duration, client: Client, line: String, request: Request) -> Verdict {
        match request {
            Request::Swallowed => Verdict::Swallow,
            Request::Unanswered | Request::Unknown => Verdict::Send(line),
            Request::Hello => {
                self.hello.retain(|other| *other != client);
                self.hello.push(client);
                Verdict::Send(line)
            }
            Request::Ping(number) => {
                let command = Command {
                    what: "keep_alive_request".into(),
                    timeout_secs: Some(0),
                    ..Command::default()
                };
                self.send(now, (client, now), line, &command, vec![Key::Ping(number)])
            }
            Request::Command(command) => self.command(now, client, line, command),
        }
    }

    fn command(&mut self, now: Duration, client: Client, line: String, command: Command) -> Verdict {
        if let Some(id) = command.ids.iter().find(|id| self.knows(id)) {
            let error = format!("the id {id:?} is in use by a command that has not been answered yet");
            return refuse(&command, ErrorCode::DuplicateId, error);
        }
        if !command.takes_a_place || self.has_place() {
            let keys = keys(&command);
            return self.send(now, (client, now), line, &command, keys);
        }
        if self.waiting() >= MAX_WAITING {
            let error = format!(
                "{MAX_IN_FLIGHT} commands run in this machine and {MAX_WAITING} wait in the hub, the most that it \
                 keeps; try again later"
            );
            return refuse(&command, ErrorCode::QueueFull, error);
        }
        self.waiting.entry(client).or_default().push_back(Waiting { line, command, offered: now });
        Verdict::Waits
    }

    fn send(
        &mut self,
        now: Duration,
        (client, offered): (Client, Duration),
        line: String,
        command: &Command,
        keys: Vec<Key>,
    ) -> Verdict {
        if self.expected.len() + keys.len() > MAX_EXPECTED {
            self.expected.retain(|_, expected| !expected.may_be_over);
        }
        if self.expected.len() + keys.len() > MAX_EXPECTED {
            let error = format!(
                "{MAX_EXPECTED} answers of this machine are waited for, the most that the hub keeps track of"
            );
            return refuse(command, ErrorCode::QueueFull, error);
        }
        let until = now + patience(command);
        for (n, key) in keys.into_iter().enumerate() {
            let takes_a_place = command.takes_a_place && n == 0;
            let is_command = n == 0 && matches!(key, Key::Id(_));
            let of = is_command.then(|| Box::new(sent(client, command, offered, now)));
            self.expected
                .insert(key, Expected { client: Some(client), takes_a_place, until, may_be_over: false, of });
        }
        Verdict::Send(line)
    }

    /// Whom a line is for. An answer makes its place free.
    pub fn route(&mut self, said: &Said<'_>) -> Vec<Client> {
        match said {
            Said::Answer(answer) => self.answered(answer).into_iter().collect(),
            Said::Metrics { request: Some(id), .. } => {
                self.take(&Key::Id(id.to_string())).into_iter().collect()
            }
            Said::Sealed { id: Some(id) } => self.sealed(id).into_iter().collect(),
            Said::Output { id } => {
                self.expected.get(&Key::Id(id.to_string())).and_then(|it| it.client).into_iter().collect()
            }
            Said::Stream { subscription } => {
                self.subscriptions.get(subscription).copied().into_iter().collect()
            }
            Said::Hello(_) => std::mem::take(&mut self.hello),
            Said::KeepAlive { sequence_number } => {
                self.take(&Key::Ping(*sequence_number)).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether a line is for everybody who is there: nobody asked for it in particular.
    pub fn is_for_all(said: &Said<'_>) -> bool {
        matches!(
            said,
            Said::Metrics { request: None, .. }
                | Said::Sealed { id: None }
                | Said::Breaker(_)
                | Said::Error { .. }
                | Said::Other
        )
    }

    /// Whether a command of this id is this client's, with the guest or waiting.
    pub fn is_of(&self, client: Client, id: &str) -> bool {
        let waits =
            |queue: &VecDeque<Waiting>| queue.iter().any(|it| it.command.ids.iter().any(|own| own == id));
        self.expects(client, id) || self.waiting.get(&client).is_some_and(waits)
    }

    /// Whether a `keep_alive` of this number answers a ping, and is no heartbeat.
    pub fn pinged(&self, sequence_number: u64) -> bool {
        self.expected.contains_key(&Key::Ping(sequence_number))
    }

    /// Whether it is the last line of its request only the client can tell: the place is free, the id is still known.
    fn sealed(&mut self, id: &str) -> Option<Client> {
        let expected = self.expected.get_mut(&Key::Id(id.to_owned()))?;
        (expected.takes_a_place, expected.may_be_over) = (false, true);
        self.done.extend(expected.of.take().map(|sent| Done { sent: *sent, end: End::Sealed }));
        expected.client
    }

    fn answered(&mut self, answer: &Answer<'_>) -> Option<Client> {
        let expected = self.expected.remove(&Key::Id(answer.id.to_string()));
        let (client, of) = expected.map_or((None, None), |expected| (expected.client, expected.of));
        let end = End::Answered(answer.code.as_deref().map(str::to_owned));
        self.done.extend(of.map(|sent| Done { sent: *sent, end }));
        let began = client.zip(answer.subscription).filter(|_| self.subscriptions.len() < MAX_SUBSCRIPTIONS);
        if let Some((client, subscription)) = began {
            self.subscriptions.insert(subscription, client);
        }
        client
    }

    fn take(&mut self, key: &Key) -> Option<Client> {
        self.expected.remove(key).and_then(|expected| expected.client)
    }

    /// The next line that may be written, if there is a place: the clients take turns.
    pub fn next(&mut self, now: Duration) -> Option<String> {
        if !self.has_place() {
            return None;
        }
        let after = self.waiting.range((
            self.last_turn.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded),
            std::ops::Bound::Unbounded,
        ));
        let client = *after.chain(self.waiting.iter()).next()?.0;
        let queue = self.waiting.get_mut(&client)?;
        let Waiting { line, command, offered } = queue.pop_front()?;
        if queue.is_empty() {
            self.waiting.remove(&client);
        }
        self.last_turn = Some(client);
        let keys = keys(&command);
        match self.send(now, (client, offered), line, &command, keys) {
            Verdict::Send(line) => Some(line),
            _ => None,
        }
    }

    /// A client has gone: its waiting commands go with it, those that the guest has are carried out for nobody.
    pub fn leave(&mut self, client: Client) {
        self.waiting.remove(&client);
        self.hello.retain(|other| *other != client);
        self.subscriptions.retain(|_, owner| *owner != client);
        self.expected.retain(|_, expected| !(expected.may_be_over && expected.client == Some(client)));
        for expected in self.expected.values_mut() {
            expected.client = expected.client.filter(|owner| *owner != client);
        }
    }

    /// The agent is another process: nothing that its predecessor was asked for is answered any more. Says whose ids these
    /// were.
    pub fn forget_all(&mut self) -> Vec<(Client, String)> {
        self.subscriptions.clear();
        let mut lost = Vec::new();
        for (key, expected) in self.expected.drain() {
            if let (Key::Id(id), Some(client)) = (key, expected.client) {
                lost.push((client, id));
            }
            self.done.extend(expected.of.map(|sent| Done { sent: *sent, end: End::Lost }));
        }
        lost
    }

    /// Forgets what can no longer be answered, so that a guest that answers nothing keeps no place for ever.
    pub fn expire(&mut self, now: Duration) {
        for (_, expected) in self.expected.extract_if(|_, expected| expected.until <= now) {
            self.done.extend(expected.of.map(|sent| Done { sent: *sent, end: End::Unheard }));
        }
    }

    /// Commands of which nothing more comes, since this was asked last.
    pub fn take_done(&mut self) -> Vec<Done> {
        std::mem::take(&mut self.done)
    }

    /// Commands that are with the guest.
    pub fn in_flight(&self) -> usize {
        self.expected.values().filter(|expected| expected.takes_a_place).count()
    }

    /// Whether a client waits for the answer of this id.
    pub fn expects(&self, client: Client, id: &str) -> bool {
        let expected = self.expected.get(&Key::Id(id.to_owned()));
        expected.is_some_and(|expected| expected.client == Some(client))
    }

    /// Commands that wait in the hub.
    pub fn waiting(&self) -> usize {
        self.waiting.values().map(VecDeque::len).sum()
    }

    fn has_place(&self) -> bool {
        self.in_flight() < MAX_IN_FLIGHT
    }

    fn knows(&self, id: &str) -> bool {
        let waits =
            || self.waiting.values().flatten().any(|it| it.command.ids.iter().any(|other| other == id));
        self.expected.contains_key(&Key::Id(id.to_owned())) || waits()
    }
}

fn sent(client: Client, command: &Command, offered: Duration, sent: Duration) -> Sent {
    Sent {
        client,
        id: command.id().to_owned(),
        what: command.what.clone(),
        by: command.by.clone(),
        changes: !command.changes.is_empty() || command.cancels.is_some(),
        trace: command.trace.clone(),
        offered,
        sent,
    }
}

fn keys(command: &Command) -> Vec<Key> {
    command.ids.iter().cloned().map(Key::Id).collect()
}

/// How long an answer is waited for: the command may wait in the guest as long as it may run.
fn patience(command: &Command) -> Duration {
    Duration::from_secs(2 * command.timeout_secs.unwrap_or(LONGEST_SECS).min(LONGEST_SECS)) + GRACE
}

fn refuse(command: &Command, code: ErrorCode, error: String) -> Verdict {
    let (id, command_type) = (command.ids.first().cloned(), Some(command.what.clone()));
    Verdict::Refuse(Rejection { id, command_type, ..Rejection::new(code, error) })
}

#[cfg(test)]
mod tests;
