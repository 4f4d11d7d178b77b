//! Moves bytes between a port and the session that speaks on it. Decides nothing: every fact becomes a [`PortEvent`], and the
//! session says what is to be written.

use super::transport::{Port, ReadOutcome, Ready, Transport, WriteOutcome};
use infiniservice_link::{PortEvent, Session};
use infiniservice_platform::clock::Clock;
use std::future::pending;
use std::io;
use std::path::Path;

/// One read call takes at most this much.
const READ_CHUNK_BYTES: usize = 16 * 1024;
/// After this many chunks in one turn the loop looks at its timers and answers again, so that a flood starves nothing; after
/// a chunk that asks for anything, at once, so that its refusals are counted before more is read.
const CHUNKS_A_TURN: usize = 16;

/// Why [`Driver::wait`] returned.
#[derive(Debug)]
pub enum Wake {
    /// An edge of the port, or the failure to wait for one.
    Port(io::Result<Ready>),
    /// The set of devices changed.
    Devices,
    /// Work of the last turn is left over.
    Unfinished,
}

/// A transport, the port it opened, and what is known of the port's edges.
#[derive(Debug)]
pub struct Driver<T: Transport> {
    transport: T,
    port: Option<T::Port>,
    readable: bool,
    writable: bool,
    host: Option<bool>,
    /// The host went; what it wrote before is still to be read.
    leaving: bool,
    /// The session has no room for what reading could bring, until it has written.
    held_up: bool,
    buffer: Box<[u8]>,
}

impl<T: Transport> Driver<T> {
    /// A driver without an open port.
    pub fn new(transport: T) -> Self {
        let buffer = vec![0; READ_CHUNK_BYTES].into_boxed_slice();
        Self {
            transport,
            port: None,
            readable: false,
            writable: false,
            host: None,
            leaving: false,
            held_up: false,
            buffer,
        }
    }

    /// Whether a port is open.
    pub fn is_open(&self) -> bool {
        self.port.is_some()
    }

    /// The open port's path, where one is open.
    pub fn path(&self) -> Option<&Path> {
        self.port.as_ref().map(Port::path)
    }

    /// Waits for the next thing to do. Cancel safe.
    pub async fn wait(&mut self) -> Wake {
        if self.readable && !self.held_up && self.port.is_some() {
            return Wake::Unfinished;
        }
        let Self { transport, port, .. } = self;
        tokio::select! {
            ready = port_ready(port.as_mut()) => Wake::Port(ready),
            () = transport.changed() => Wake::Devices,
        }
    }

    /// Tells the session what woke the driver, and moves the bytes that can be moved now.
    pub fn step<S: Session, C: Clock>(
        &mut self,
        wake: Wake,
        session: &mut S,
        clock: &C,
        actions: &mut Vec<S::Action>,
    ) {
        match wake {
            Wake::Devices => session.handle(clock.now(), PortEvent::DevicesChanged, actions),
            Wake::Port(Ok(ready)) => self.note(ready, session, clock, actions),
            Wake::Port(Err(error)) => {
                session.handle(
                    clock.now(),
                    PortEvent::IoFailed(format!("waiting for the port: {error}")),
                    actions,
                );
            }
            Wake::Unfinished => {}
        }
        self.read(session, clock, actions);
        if self.leaving && !self.readable {
            self.set_host(Some(false), session, clock, actions);
        }
    }

    /// Finds and opens a port, and tells the session.
    pub fn open<S: Session, C: Clock>(&mut self, session: &mut S, clock: &C, actions: &mut Vec<S::Action>) {
        self.close();
        match self.transport.open() {
            Ok(port) => {
                self.host = port.host();
                (self.readable, self.writable) = (true, true);
                let path = port.path().display().to_string();
                self.port = Some(port);
                session.handle(clock.now(), PortEvent::Opened { path: &path, host: self.host }, actions);
            }
            Err(failure) => session.handle(clock.now(), PortEvent::OpenFailed(failure), actions),
        }
    }

    /// Closes the port, if one is open.
    pub fn close(&mut self) {
        self.port = None;
        (self.readable, self.writable, self.host) = (false, false, None);
        (self.leaving, self.held_up) = (false, false);
    }

    /// Writes what the session has waiting, as far as the port takes it.
    pub fn write<S: Session, C: Clock>(&mut self, session: &mut S, clock: &C, actions: &mut Vec<S::Action>) {
        self.write_waiting(session, clock, actions);
        self.held_up = self.read_room(session) == 0;
    }

    fn write_waiting<S: Session, C: Clock>(
        &mut self,
        session: &mut S,
        clock: &C,
        actions: &mut Vec<S::Action>,
    ) {
        while self.writable {
            let Some(port) = self.port.as_mut() else { return };
            let now = clock.now();
            let bytes = session.pending_write(now);
            if bytes.is_empty() {
                return;
            }
            let outcome = port.try_write(bytes);
            self.wrote(outcome, session, clock, actions);
        }
    }

    fn wrote<S: Session, C: Clock>(
        &mut self,
        outcome: WriteOutcome,
        session: &mut S,
        clock: &C,
        actions: &mut Vec<S::Action>,
    ) {
        match outcome {
            WriteOutcome::Wrote(count) => session.handle(clock.now(), PortEvent::Wrote(count), actions),
            WriteOutcome::WouldBlock => self.writable = false,
            WriteOutcome::Gone => self.gone(session, clock, actions),
            WriteOutcome::Failed(error) => self.failed("write", &error, session, clock, actions),
        }
    }

    fn read<S: Session, C: Clock>(&mut self, session: &mut S, clock: &C, actions: &mut Vec<S::Action>) {
        for _ in 0..CHUNKS_A_TURN {
            let room = self.read_room(session).min(self.buffer.len());
            let Some(port) = self.port.as_mut().filter(|_| self.readable && room > 0) else { return };
            match port.try_read(self.buffer.get_mut(..room).unwrap_or_default()) {
                ReadOutcome::Data(count) => {
                    self.let_successor_in(session, clock, actions);
                    let bytes = self.buffer.get(..count).unwrap_or(&self.buffer);
                    session.handle(clock.now(), PortEvent::Read(bytes), actions);
                    // What a host left behind is read to its end: until then nothing may be written for its successor.
                    if !actions.is_empty() && !self.leaving {
                        return;
                    }
                }
                ReadOutcome::WouldBlock => self.readable = false,
                ReadOutcome::HostAway => {
                    self.readable = false;
                    self.set_host(Some(false), session, clock, actions);
                }
                ReadOutcome::Gone => self.gone(session, clock, actions),
                ReadOutcome::Failed(error) => self.failed("read", &error, session, clock, actions),
            }
        }
    }

    /// Tells of a host that came while what another left behind was being read. While the port is still left, what was read is the
    /// first one's. Afterwards nobody can tell: it is taken for the new one's, which waits for an answer, as the other does not.
    fn let_successor_in<S: Session, C: Clock>(
        &mut self,
        session: &mut S,
        clock: &C,
        actions: &mut Vec<S::Action>,
    ) {
        if self.leaving && self.port.as_ref().and_then(Port::host) == Some(true) {
            self.set_host(Some(false), session, clock, actions);
            self.set_host(Some(true), session, clock, actions);
        }
    }

    /// What a host left behind is read in any case: only then is it known to have gone.
    fn read_room(&self, session: &impl Session) -> usize {
        if self.leaving { usize::MAX } else { session.read_room() }
    }

    fn note<S: Session, C: Clock>(
        &mut self,
        ready: Ready,
        session: &mut S,
        clock: &C,
        actions: &mut Vec<S::Action>,
    ) {
        self.readable |= ready.readable;
        self.writable |= ready.writable;
        match ready.host {
            Some(false) if self.host != Some(false) => (self.leaving, self.readable) = (true, true),
            Some(true) if self.leaving => {
                self.set_host(Some(false), session, clock, actions);
                self.set_host(Some(true), session, clock, actions);
            }
            host => self.set_host(host, session, clock, actions),
        }
    }

    fn set_host<S: Session, C: Clock>(
        &mut self,
        host: Option<bool>,
        session: &mut S,
        clock: &C,
        actions: &mut Vec<S::Action>,
    ) {
        if host == self.host {
            return;
        }
        (self.host, self.leaving) = (host, false);
        match host {
            Some(true) => session.handle(clock.now(), PortEvent::HostConnected, actions),
            Some(false) => session.handle(clock.now(), PortEvent::HostDisconnected, actions),
            None => {}
        }
    }

    fn gone<S: Session, C: Clock>(&mut self, session: &mut S, clock: &C, actions: &mut Vec<S::Action>) {
        self.close();
        session.handle(clock.now(), PortEvent::DeviceGone, actions);
    }

    fn failed<S: Session, C: Clock>(
        &mut self,
        what: &str,
        error: &io::Error,
        session: &mut S,
        clock: &C,
        actions: &mut Vec<S::Action>,
    ) {
        (self.readable, self.writable) = (false, false);
        session.handle(clock.now(), PortEvent::IoFailed(format!("{what}: {error}")), actions);
    }
}

async fn port_ready<P: Port>(port: Option<&mut P>) -> io::Result<Ready> {
    match port {
        Some(port) => port.ready().await,
        None => pending().await,
    }
}

#[cfg(test)]
#[path = "driver_tests.rs"]
mod tests;
