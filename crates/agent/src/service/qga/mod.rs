//! The second channel: the QEMU guest agent's protocol on its own port, beside the link to the agent's own host.
//!
//! It has its own driver, session and commands, and shares nothing with the link but the loop that waits for both. Neither
//! holds the other up: each moves a bounded number of bytes in a turn, and commands are tasks of their own.

mod narrow;
mod plan;
mod record;

use super::agent::Agent;
use crate::config::Settings;
use infiniservice_actions::audit::AuditRecord;
use infiniservice_channel::driver::{Driver, Wake};
use infiniservice_channel::transport::Transport;
use infiniservice_exec::Runner;
use infiniservice_platform::clock::Clock;
use infiniservice_protocol::guest::Capability;
use infiniservice_qga::{Action, Event, Request, Session, Token};
use infiniservice_qga_commands::{Commands, Finished, Happened};
use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

pub(super) use plan::Plan;
pub(crate) use plan::for_diagnosis;

/// What ended a wait.
pub(super) enum Turn {
    Port(Wake),
    Happened(Happened),
}

/// The channel.
pub(super) struct Qga<T: Transport> {
    driver: Driver<T>,
    session: Session,
    commands: Commands,
    results: mpsc::Receiver<Happened>,
    actions: Vec<Action>,
    /// Parameters of the commands that run and are to be recorded.
    asked: BTreeMap<u64, String>,
    records: Vec<AuditRecord>,
    /// A port that another program holds is its own for good.
    gives_way: bool,
    closed: bool,
}

impl<T: Transport> Qga<T> {
    /// By a plan that wants the port served. Nothing is opened yet.
    pub(super) fn new(plan: Plan, transport: T, runner: Arc<dyn Runner>) -> Self {
        let (commands, results) = Commands::new(plan.commands, runner);
        Self {
            driver: Driver::new(transport),
            session: Session::new(plan.settings),
            commands,
            results,
            actions: Vec::new(),
            asked: BTreeMap::new(),
            records: Vec::new(),
            gives_way: plan.gives_way,
            closed: false,
        }
    }

    /// Other commands are on from the next request on, and the next freeze is another one.
    pub(super) fn reconfigure(&mut self, settings: &Settings) {
        self.session.set_policy(plan::policy_here(settings));
        self.commands.set_settings(plan::commands(settings));
    }

    /// What holds, for tests.
    #[cfg(test)]
    #[allow(dead_code, reason = "only Linux's tests ask")]
    pub(super) fn shown(&self) -> String {
        format!("{:?} {:?}", self.session, self.commands)
    }

    /// The first thing that happens. Cancel safe.
    pub(super) async fn next(&mut self) -> Turn {
        if self.closed {
            return pending().await;
        }
        tokio::select! {
            biased;
            Some(happened) = self.results.recv() => Turn::Happened(happened),
            wake = self.driver.wait() => Turn::Port(wake),
        }
    }

    /// When it is to be told of the time; `None`: never.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.session.next_deadline().filter(|_| !self.closed)
    }

    /// Takes one turn; gives what is to be recorded.
    pub(super) fn take(&mut self, turn: Turn, clock: &impl Clock) -> Vec<AuditRecord> {
        match turn {
            Turn::Port(wake) => self.driver.step(wake, &mut self.session, clock, &mut self.actions),
            Turn::Happened(Happened::Finished(finished)) => self.finished(*finished, clock),
            Turn::Happened(Happened::Freeze(state)) => {
                self.session.handle(clock.now(), Event::FreezeChanged(state), &mut self.actions);
            }
        }
        self.carry_out(clock);
        std::mem::take(&mut self.records)
    }

    /// The time of a deadline may have come.
    pub(super) fn timer(&mut self, clock: &impl Clock) -> Vec<AuditRecord> {
        if !self.closed {
            self.session.handle(clock.now(), Event::Timer, &mut self.actions);
            self.carry_out(clock);
        }
        std::mem::take(&mut self.records)
    }

    /// What is to be done before the agent ends.
    pub(super) fn ending(&self) -> impl Future<Output = ()> + use<T> {
        self.commands.ending()
    }

    /// Closes the port for good. For a host that asked for the end of the machine this is the answer.
    pub(super) fn close(&mut self, clock: &impl Clock) {
        self.carry_out(clock);
        self.driver.close();
        self.closed = true;
    }

    fn finished(&mut self, finished: Finished, clock: &impl Clock) {
        if let Some(parameters) = self.asked.remove(&finished.token.0) {
            self.records.push(record::of(&finished, &parameters));
        }
        let event = Event::Finished(finished.token, finished.result);
        self.session.handle(clock.now(), event, &mut self.actions);
    }

    /// Does what the session asked for; doing it may make it ask for more.
    fn carry_out(&mut self, clock: &impl Clock) {
        loop {
            self.driver.write(&mut self.session, clock, &mut self.actions);
            if self.actions.is_empty() {
                return;
            }
            for action in std::mem::take(&mut self.actions) {
                self.perform(action, clock);
            }
        }
    }

    fn perform(&mut self, action: Action, clock: &impl Clock) {
        match action {
            Action::Open => self.open(clock),
            Action::Close(reason) => {
                log::debug!("closing the QEMU guest agent's port: {reason}");
                self.driver.close();
            }
            // Written by `carry_out`, whatever the action was.
            Action::Write => {}
            Action::Execute { token, row, request } => {
                self.note(token, &request);
                self.commands.start(token, row, request);
            }
            Action::Refused(row) => self.records.push(AuditRecord::of_guest_agent_refused(row.name)),
            Action::Log(level, text) => log::log!(level, "{text}"),
        }
    }

    fn open(&mut self, clock: &impl Clock) {
        self.driver.open(&mut self.session, clock, &mut self.actions);
        if self.gives_way && self.session.is_port_held() {
            log::info!("the QEMU guest agent's port is left to the program that holds it (qga = auto)");
            self.closed = true;
        }
    }

    fn note(&mut self, token: Token, request: &Request) {
        if let Some(parameters) = record::parameters(request) {
            self.asked.insert(token.0, parameters);
        }
    }
}

/// What `hello` tells of the channel.
pub(super) fn capability<T: Transport>(channel: Option<&Qga<T>>) -> Capability {
    let reason = match channel {
        None => Some("the settings, or this system, leave the port alone: see qga"),
        Some(channel) if channel.closed => Some("another program holds the port (qga = auto)"),
        Some(channel) if !channel.driver.is_open() => Some("there is no such port, or it cannot be opened"),
        Some(_) => None,
    };
    let name = "qemu_guest_agent".to_owned();
    Capability { name, enabled: reason.is_none(), reason: reason.map(str::to_owned) }
}

impl<T: Transport, C: Clock> Agent<T, C> {
    /// Takes one turn of the second channel, if there is one; `None`: the time may have come.
    pub(super) fn qga_turn(&mut self, turn: Option<Turn>) {
        let Some(channel) = &mut self.qga else { return };
        let records = match turn {
            Some(turn) => channel.take(turn, &self.clock),
            None => channel.timer(&self.clock),
        };
        for record in &records {
            self.record(record);
        }
    }
}
