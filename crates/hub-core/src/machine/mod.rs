//! One machine: its socket's state, what its agent said last, and the clients on its wire.

mod afar;
mod handover;
mod link;
mod news;
#[cfg(test)]
mod tests;

use crate::counts::{Counts, LineType};
use crate::event::Kind;
pub use crate::figures;
use crate::figures::Figures;
use crate::history::{History, Point};
use crate::line::{self, Said};
use crate::request::{Command, Request};
use crate::router::{Client, Done, End, Router, Verdict};
use crate::sample::Sample;
use crate::session::{Change, Session, State};
pub use handover::Handover;
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::guest::Hello;
use infiniservice_protocol::metrics::System;
use infiniservice_protocol::{ErrorCode, HostMessage, Rejection};
pub use link::Link;
use std::time::Duration;

/// The hub itself, as a client of the guests.
pub const HUB: Client = Client(0);
/// The hub's jobs, as a client of the guests.
pub const JOBS: Client = Client(u64::MAX);
/// Numbers of the hub's pings: beyond those of heartbeats and of `infinictl`'s.
const FIRST_PING: u64 = 3 << 51;
/// How often the round trip is measured.
const PING_EVERY: Duration = Duration::from_secs(30);
/// How often malformed lines are told of.
const MALFORMED_EVERY: Duration = Duration::from_secs(60);

/// Bytes for the guest.
#[derive(Debug, PartialEq)]
pub enum Write {
    /// A message of the hub's, signed where the guest has a secret.
    Message(HostMessage),
    /// A client's line, unchanged.
    Line(String),
}

/// What a line of the guest brings about.
#[derive(Debug, Default)]
pub struct Reaction {
    /// To be written to the guest, in this order.
    pub write: Vec<Write>,
    /// Whether the line is for every client.
    pub to_all: bool,
    /// Clients that the line is for.
    pub to: Vec<Client>,
    /// What happened.
    pub events: Vec<(Kind, String)>,
    /// The agent is another process: these requests are not answered any more.
    pub lost: Vec<(Client, String)>,
    /// The agent has said who it is.
    pub introduced: bool,
    /// The id of the command that the line is the answer to.
    pub answered: Option<String>,
    /// Commands of which nothing more comes.
    pub done: Vec<Done>,
}

/// A machine.
#[derive(Debug, Default)]
pub struct Machine {
    session: Session,
    router: Router,
    hello: Option<Hello>,
    sample: Option<Sample>,
    history: History,
    filling: bool,
    pings: u64,
    /// The number of the ping that is not answered yet, and when it was sent.
    pinged: Option<(u64, Duration)>,
    last_ping: Option<Duration>,
    /// The number of the agent's last heartbeat on this connection.
    last_beat: Option<u64>,
    round_trip: Option<Duration>,
    malformed_told: Option<Duration>,
    counts: Counts,
    /// Why the socket is not connected, or who has it instead of this hub.
    reason: String,
    /// The number of the connection; 0 before the first.
    connection: u64,
    /// When the guest was last heard before this connection.
    heard_before: Option<Duration>,
    /// Whether the agent has said on this connection who it is.
    is_introduced: bool,
}

impl Machine {
    /// The socket is connected: asks who is there, and for figures.
    pub fn connected(&mut self, now: Now) -> Vec<Write> {
        self.heard_before = self.session.heard();
        self.connection += 1;
        self.is_introduced = false;
        self.session.connected(now.mono);
        self.reason.clear();
        self.pinged = None;
        self.last_beat = None;
        self.last_ping = Some(now.mono);
        let (hello, metrics) =
            (HostMessage::Hello { id: None, accept: Vec::new() }, HostMessage::Metrics { id: None });
        vec![Write::Message(hello), Write::Message(metrics)]
    }

    /// The socket was closed or could not be connected.
    pub fn closed(&mut self, now: Now, reason: &str) -> Option<(Kind, String)> {
        reason.clone_into(&mut self.reason);
        let change = self.session.closed(now.mono)?;
        matches!(change.from, State::Up | State::Silent)
            .then(|| (Kind::Lost, format!("lost the connection: {reason}")))
    }

    /// The guest has sent bytes, whatever they are.
    pub fn spoke(&mut self, now: Now) -> Option<(Kind, String)> {
        let Change { from, .. } = self.session.spoke(now.mono)?;
        self.reason.clear();
        let text = if from == State::Silent { "the agent speaks again" } else { "the agent is connected" };
        Some((Kind::Connected, text.to_owned()))
    }

    /// It was looked up who has the socket that does not serve us: what happened, where that is news.
    pub fn held(&mut self, holder: &str) -> Option<(Kind, String)> {
        if self.state() != State::Unserved || self.reason == holder {
            return None;
        }
        holder.clone_into(&mut self.reason);
        Some((Kind::Unserved, holder.to_owned()))
    }

    /// Takes a line of the guest.
    pub fn line(&mut self, now: Now, line: &str) -> Reaction {
        self.counts.received(line.len() + 1);
        match line::read(line, now) {
            Ok(said) => {
                self.counts.said(&said);
                self.said(now, said)
            }
            Err(error) => self.bad_line(now, &error),
        }
    }

    /// Takes note of a line that cannot be read.
    pub fn bad_line(&mut self, now: Now, error: &str) -> Reaction {
        self.counts.malformed();
        let told = self.malformed_told.is_some_and(|told| now.mono.saturating_sub(told) < MALFORMED_EVERY);
        let mut reaction = Reaction::default();
        if !told {
            self.malformed_told = Some(now.mono);
            let text = format!("{error} ({} such lines so far)", self.counts.lines(LineType::Malformed));
            reaction.events.push((Kind::Malformed, text));
        }
        reaction
    }

    fn said(&mut self, now: Now, said: Said<'_>) -> Reaction {
        let mut reaction = Reaction { to_all: Router::is_for_all(&said), ..Reaction::default() };
        let heartbeat = match said {
            Said::KeepAlive { sequence_number } => {
                (!self.pong(now, sequence_number)).then_some(sequence_number)
            }
            _ => None,
        };
        if let Some(sequence_number) = heartbeat {
            reaction.write.extend(self.who_is_there(sequence_number));
            reaction.write.push(Write::Message(HostMessage::KeepAliveResponse { sequence_number }));
        } else {
            reaction.to = self.router.route(&said);
        }
        self.note(now, said, &mut reaction);
        reaction.write.extend(self.next_lines(now));
        reaction.done = self.done(now);
        reaction
    }

    /// Heartbeats count from 1 over an agent's life: where one is below the last, another process speaks on the same connection,
    /// as after a reboot of the machine, whose QEMU goes on.
    fn who_is_there(&mut self, sequence_number: u64) -> Option<Write> {
        let before = self.last_beat.replace(sequence_number);
        let is_another = before.is_some_and(|before| sequence_number < before);
        is_another.then(|| Write::Message(HostMessage::Hello { id: None, accept: Vec::new() }))
    }

    /// Whether a `keep_alive` answers a ping, the hub's or a client's.
    fn pong(&mut self, now: Now, sequence_number: u64) -> bool {
        if let Some((_, sent)) = self.pinged.take_if(|(number, _)| *number == sequence_number) {
            self.round_trip = Some(now.mono.saturating_sub(sent));
            return true;
        }
        sequence_number >= FIRST_PING || self.router.pinged(sequence_number)
    }

    fn note(&mut self, now: Now, said: Said<'_>, reaction: &mut Reaction) {
        match said {
            Said::Metrics { sample, .. } => {
                let news = self.sampled(now, *sample);
                if news.iter().any(|(kind, _)| *kind == Kind::Rebooted) {
                    let hello = HostMessage::Hello { id: None, accept: Vec::new() };
                    reaction.write.push(Write::Message(hello));
                }
                reaction.events.extend(news);
            }
            Said::Hello(hello) => self.introduced(*hello, reaction),
            Said::Answer(answer) => {
                reaction.answered = Some(answer.id.into_owned());
                // What nobody asked for is a guest's own tale.
                let refused = answer.code.filter(|code| is_refusal(code) && !reaction.to.is_empty());
                reaction.events.extend(refused.map(|code| {
                    (Kind::Refused, format!("the guest refused {:.64}: {code:.64}", answer.action))
                }));
            }
            _ => {}
        }
    }

    fn sampled(&mut self, now: Now, sample: Sample) -> Vec<(Kind, String)> {
        self.history.push(Point { at_ms: now.wall_ms(), figures: Figures::of(&sample.system) });
        let before = self.sample.replace(sample);
        match (before, &self.sample) {
            (Some(before), Some(after)) => news::between(&before, after, &mut self.filling),
            _ => Vec::new(),
        }
    }

    fn introduced(&mut self, hello: Hello, reaction: &mut Reaction) {
        let before = self.hello.as_ref().map(|before| before.instance.clone()).unwrap_or_default();
        if !before.is_empty() && before != hello.instance {
            reaction.lost = self.router.forget_all();
            reaction.events.push((Kind::Restarted, "the agent has been started anew".to_owned()));
        }
        self.hello = Some(hello);
        self.is_introduced = true;
        reaction.introduced = true;
    }

    /// Takes a client's line, and what was read of it. `permit` says whether what it changes is allowed; to end one's own
    /// command always is.
    pub fn offer(
        &mut self,
        now: Now,
        client: Client,
        permit: Result<(), String>,
        line: String,
        request: Result<Request, Rejection>,
    ) -> Verdict {
        match (request, permit) {
            (Ok(Request::Command(command)), Err(why)) if !self.is_reading(client, &command) => {
                Verdict::Refuse(not_allowed(command, why))
            }
            (Ok(Request::Unknown), Err(why)) => Verdict::Refuse(not_allowed(Command::default(), why)),
            (Ok(request), _) => self.router.offer(now.mono, client, line, request),
            (Err(rejection), _) => Verdict::Refuse(rejection),
        }
    }

    /// Whether a command only tells, or ends one of the client's own.
    fn is_reading(&self, client: Client, command: &Command) -> bool {
        command.changes.is_empty()
            && command.cancels.as_ref().is_none_or(|target| self.router.is_of(client, target))
    }

    /// A client has gone.
    pub fn leave(&mut self, client: Client) {
        self.router.leave(client);
    }

    /// Of those that were answered, also how long they took is counted.
    fn done(&mut self, now: Now) -> Vec<Done> {
        let done = self.router.take_done();
        for Done { sent, end } in &done {
            if matches!(end, End::Answered(_)) {
                self.counts.took(&sent.what, now.mono.saturating_sub(sent.sent).as_secs_f64());
            }
        }
        done
    }

    fn next_lines(&mut self, now: Now) -> Vec<Write> {
        std::iter::from_fn(|| self.router.next(now.mono)).map(Write::Line).collect()
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Now) -> Reaction {
        let mut reaction = Reaction::default();
        self.router.expire(now.mono);
        reaction.done = self.done(now);
        reaction.events.extend(self.session.tick(now.mono).and_then(told));
        if self.session.state() == State::Up {
            reaction.write.extend(self.ping(now));
            reaction.write.extend(self.next_lines(now));
        }
        reaction
    }

    fn ping(&mut self, now: Now) -> Option<Write> {
        if self.last_ping.is_some_and(|last| now.mono.saturating_sub(last) < PING_EVERY) {
            return None;
        }
        let sequence_number = FIRST_PING + self.pings;
        self.pings += 1;
        self.last_ping = Some(now.mono);
        self.pinged = Some((sequence_number, now.mono));
        Some(Write::Message(HostMessage::KeepAliveRequest { sequence_number }))
    }

    /// Where it stands.
    pub const fn state(&self) -> State {
        self.session.state()
    }

    /// Its socket's state, with its times.
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Why it is not connected, or not served; empty where it is.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Its clients.
    pub const fn router(&self) -> &Router {
        &self.router
    }

    /// Who its agent said that it is.
    pub const fn hello(&self) -> Option<&Hello> {
        self.hello.as_ref()
    }

    /// Its last figures, however old.
    pub const fn sample(&self) -> Option<&Sample> {
        self.sample.as_ref()
    }

    /// The system's figures, while they are fresh: the agent speaks.
    pub fn system(&self) -> Option<&System> {
        self.sample.as_ref().filter(|_| self.state() == State::Up).map(|sample| &sample.system)
    }

    /// The last hour.
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// The last ping's time there and back.
    pub const fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// Lines that came, and of them those that could not be read.
    pub fn lines(&self) -> (u64, u64) {
        (self.counts.all_lines(), self.counts.lines(LineType::Malformed))
    }

    /// What came, by what it was.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }
}

fn told(change: Change) -> Option<(Kind, String)> {
    let of = |kind, text: &str| Some((kind, text.to_owned()));
    match change.to {
        State::Unserved => of(
            Kind::Unserved,
            "the socket is connected, but the guest says nothing: another program holds it, or no agent runs",
        ),
        State::Silent => of(Kind::Silent, "the agent has said nothing for 90 s, though its socket is open"),
        _ => None,
    }
}

fn not_allowed(command: Command, error: String) -> Rejection {
    let command_type = Some(command.what).filter(|what| !what.is_empty());
    let id = command.ids.into_iter().next();
    Rejection { id, command_type, ..Rejection::new(ErrorCode::PermissionDenied, error) }
}

/// Whether a code says that somebody may not do what he asked for.
fn is_refusal(code: &str) -> bool {
    matches!(code, "ACTION_BLOCKED" | "UNSAFE_DISABLED" | "SIGNATURE_INVALID" | "PERMISSION_DENIED")
}
