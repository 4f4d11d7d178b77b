//! The driver with a protocol that is not the link's: whatever implements `Session` is served.

use super::*;
use infiniservice_link::OpenFailure;
use infiniservice_platform::clock::Now;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::{Duration, SystemTime};

/// The host's end of a port that takes three bytes at a time.
#[derive(Default)]
struct Host {
    sends: VecDeque<Vec<u8>>,
    got: Vec<u8>,
    is_blocked: bool,
    /// Whether it is away; the next one comes with its bytes, which are the last of `sends`.
    is_away: bool,
}

#[derive(Default)]
struct Scripted(Rc<RefCell<Host>>);

impl Port for Scripted {
    fn path(&self) -> &Path {
        Path::new("/dev/vport1p1")
    }

    fn host(&self) -> Option<bool> {
        Some(!self.0.borrow().is_away)
    }

    fn ready(&mut self) -> impl Future<Output = io::Result<Ready>> {
        pending()
    }

    fn try_read(&mut self, buffer: &mut [u8]) -> ReadOutcome {
        let mut host = self.0.borrow_mut();
        let Some(bytes) = host.sends.pop_front() else { return ReadOutcome::WouldBlock };
        host.is_away &= !host.sends.is_empty();
        buffer[..bytes.len()].copy_from_slice(&bytes);
        ReadOutcome::Data(bytes.len())
    }

    fn try_write(&mut self, bytes: &[u8]) -> WriteOutcome {
        let mut host = self.0.borrow_mut();
        if host.is_blocked {
            return WriteOutcome::WouldBlock;
        }
        let count = bytes.len().min(3);
        host.got.extend_from_slice(&bytes[..count]);
        WriteOutcome::Wrote(count)
    }
}

impl Transport for Scripted {
    type Port = Self;

    fn open(&mut self) -> Result<Self, OpenFailure> {
        Ok(Self(self.0.clone()))
    }

    fn changed(&mut self) -> impl Future<Output = ()> {
        pending()
    }
}

/// Sends back what it gets, and reads nothing while eight bytes wait.
#[derive(Default)]
struct Echo {
    waiting: Vec<u8>,
    events: Vec<String>,
}

impl Session for Echo {
    type Action = ();

    fn handle(&mut self, _: Now, event: PortEvent<'_>, _: &mut Vec<()>) {
        match event {
            PortEvent::Read(bytes) => self.waiting.extend_from_slice(bytes),
            PortEvent::Wrote(count) => drop(self.waiting.drain(..count)),
            other => self.events.push(format!("{other:?}")),
        }
    }

    fn pending_write(&mut self, _: Now) -> &[u8] {
        &self.waiting
    }

    fn read_room(&self) -> usize {
        8_usize.saturating_sub(self.waiting.len())
    }
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Now {
        Now { mono: Duration::ZERO, wall: SystemTime::UNIX_EPOCH }
    }
}

fn edge(readable: bool) -> Wake {
    Wake::Port(Ok(Ready { readable, writable: true, host: Some(true) }))
}

#[test]
fn another_protocol_gets_its_bytes_and_has_its_own_written() {
    let transport = Scripted::default();
    let host = transport.0.clone();
    let (mut driver, mut echo) = (Driver::new(transport), Echo::default());
    driver.open(&mut echo, &Still, &mut Vec::new());
    host.borrow_mut().sends.extend([b"hello".to_vec(), b"you".to_vec()]);
    driver.step(edge(true), &mut echo, &Still, &mut Vec::new());
    driver.write(&mut echo, &Still, &mut Vec::new());
    assert_eq!(host.borrow().got, b"helloyou");
    assert_eq!(echo.events, ["Opened { path: \"/dev/vport1p1\", host: Some(true) }"]);
}

#[test]
fn a_session_without_room_holds_its_host_up_until_it_has_written() {
    let transport = Scripted::default();
    let host = transport.0.clone();
    let (mut driver, mut echo) = (Driver::new(transport), Echo::default());
    driver.open(&mut echo, &Still, &mut Vec::new());
    host.borrow_mut().is_blocked = true;
    host.borrow_mut().sends.extend([b"12345678".to_vec(), b"9".to_vec()]);
    driver.step(edge(true), &mut echo, &Still, &mut Vec::new());
    driver.write(&mut echo, &Still, &mut Vec::new());
    assert_eq!((host.borrow().sends.len(), host.borrow().got.len()), (1, 0));
    // Nothing wakes it again and again meanwhile.
    let mut context = Context::from_waker(Waker::noop());
    assert!(pin!(driver.wait()).poll(&mut context).is_pending());
    host.borrow_mut().is_blocked = false;
    for _ in 0..2 {
        driver.step(edge(false), &mut echo, &Still, &mut Vec::new());
        driver.write(&mut echo, &Still, &mut Vec::new());
    }
    assert_eq!(host.borrow().got, b"123456789");
}

/// What it is told, one after the other.
#[derive(Default)]
struct Told(Vec<String>);

impl Session for Told {
    type Action = ();

    fn handle(&mut self, _: Now, event: PortEvent<'_>, _: &mut Vec<()>) {
        self.0.push(match event {
            PortEvent::Read(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            PortEvent::Opened { .. } => "opened".to_owned(),
            other => format!("{other:?}"),
        });
    }

    fn pending_write(&mut self, _: Now) -> &[u8] {
        &[]
    }

    fn read_room(&self) -> usize {
        usize::MAX
    }
}

#[test]
fn a_host_that_comes_while_its_predecessors_bytes_are_read_keeps_its_own() {
    let transport = Scripted::default();
    let host = transport.0.clone();
    let (mut driver, mut told) = (Driver::new(transport), Told::default());
    driver.open(&mut told, &Still, &mut Vec::new());
    driver.step(edge(true), &mut told, &Still, &mut Vec::new());
    host.borrow_mut().is_away = true;
    host.borrow_mut().sends.extend([b"last words".to_vec(), b"more".to_vec(), b"a question".to_vec()]);
    let left = Wake::Port(Ok(Ready { readable: true, writable: true, host: Some(false) }));
    driver.step(left, &mut told, &Still, &mut Vec::new());
    assert_eq!(told.0, ["opened", "last words", "more", "HostDisconnected", "HostConnected", "a question"]);
    // The edge of its coming says nothing new.
    driver.step(edge(true), &mut told, &Still, &mut Vec::new());
    assert_eq!(told.0.len(), 6, "{:?}", told.0);
}
