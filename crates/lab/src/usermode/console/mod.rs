//! The console device of a guest in user mode: ports whose host's ends are Unix sockets, as QEMU has them.
//!
//! User-mode Linux hands its virtio devices over to another program by the vhost-user protocol: over a socket come the
//! guest's memory, the places of its queues in there, and descriptors by which either side wakes the other.

mod control;
mod device;
#[cfg(test)]
mod driver;
mod guest;
mod message;
mod port;
mod queue;
#[cfg(test)]
mod tests;

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::event::{PollFd, PollFlags, poll};

use device::{Device, locked};
use guest::{Guest, queues_of};
use message::Message;
use port::Port;

/// What is done to a port.
#[derive(Debug)]
enum Change {
    Unplug(u32),
    Plug(u32, String),
}

/// How often a guest's kernel has begun to use the device: once at each boot.
type Boots = Arc<(Mutex<u32>, Condvar)>;

/// The device, served for the life of this value.
#[derive(Debug)]
pub struct Console {
    changes: Sender<(Change, Sender<Result<()>>)>,
    wake: UnixStream,
    boots: Boots,
}

impl Console {
    /// Serves guests that connect at `socket`, one after the other, with these ports: name, and socket of the host's
    /// end. They are numbered from one.
    pub fn start(socket: &Path, ports: &[(&str, &Path)]) -> Result<Self> {
        let ports = ports.iter().zip(1..).map(|((name, socket), number)| Port::new(number, name, socket));
        let listener = UnixListener::bind(socket).with_context(|| socket.display().to_string())?;
        let (wake, woken) = UnixStream::pair()?;
        let (changes, asked) = mpsc::channel();
        let boots = Boots::default();
        let (device, guest) = (Device::new(ports.collect::<Result<_>>()?), Guest::new()?);
        let server = Server { device, guest, listener, connection: None, woken, asked, boots: boots.clone() };
        thread::Builder::new().name("lab-console".to_owned()).spawn(move || server.run())?;
        Ok(Self { changes, wake, boots })
    }

    /// Takes a port away from the guest.
    pub fn unplug(&self, number: u32) -> Result<()> {
        self.change(Change::Unplug(number))
    }

    /// Gives a port to the guest, under this name.
    pub fn plug(&self, number: u32, name: &str) -> Result<()> {
        self.change(Change::Plug(number, name.to_owned()))
    }

    fn change(&self, change: Change) -> Result<()> {
        let (answer, answered) = mpsc::channel();
        self.changes.send((change, answer)).context("the console device is gone")?;
        (&self.wake).write_all(&[0])?;
        answered.recv().context("the console device is gone")?
    }

    /// How often a guest has begun to use the device.
    pub fn boots(&self) -> u32 {
        *locked(&self.boots.0)
    }

    /// Waits until one has begun more than `before` times.
    pub fn wait_boot(&self, before: u32, timeout: Duration) -> Result<()> {
        let boots = locked(&self.boots.0);
        let waited = self.boots.1.wait_timeout_while(boots, timeout, |boots| *boots <= before);
        let passed = waited.is_ok_and(|(_, waited)| !waited.timed_out());
        ensure!(passed, "the guest's kernel did not start within {} s", timeout.as_secs());
        Ok(())
    }
}

/// The thread's own.
struct Server {
    device: Device,
    guest: Guest,
    listener: UnixListener,
    connection: Option<UnixStream>,
    woken: UnixStream,
    asked: Receiver<(Change, Sender<Result<()>>)>,
    boots: Boots,
}

/// What can wake the thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Owner,
    Kernel,
    Kick(usize),
    Port(usize),
}

impl Server {
    fn run(mut self) {
        while self.turn().unwrap_or_else(|error| {
            eprintln!("the lab's console device has ended: {error:#}");
            false
        }) {}
    }

    /// Waits until something can be moved, and moves it; false when the device is over.
    fn turn(&mut self) -> Result<bool> {
        let woken = self.wait()?;
        if woken.iter().any(|(source, _)| *source == Source::Owner) && !self.change()? {
            return Ok(false);
        }
        if let Err(error) = self.serve(&woken) {
            eprintln!("the lab's console device lets its guest go: {error:#}");
            self.forget_guest();
        }
        Ok(true)
    }

    fn serve(&mut self, woken: &[(Source, PollFlags)]) -> Result<()> {
        for (source, events) in woken {
            match source {
                Source::Owner => {}
                Source::Kernel => self.hear_kernel()?,
                Source::Kick(number) => self.kicked(*number),
                Source::Port(at) => self.hung_up(*at, *events),
            }
        }
        self.device.pump(&mut self.guest)
    }

    fn wait(&self) -> Result<Vec<(Source, PollFlags)>> {
        let guest = &self.guest;
        let kernel = self.connection.as_ref().map_or_else(
            || PollFd::new(&self.listener, PollFlags::IN),
            |stream| PollFd::new(stream, PollFlags::IN),
        );
        let mut sources = vec![Source::Owner, Source::Kernel];
        let mut fds = vec![PollFd::new(&self.woken, PollFlags::IN), kernel];
        for (number, queue) in guest.queues.iter().enumerate() {
            if let Some(kick) = &queue.kick {
                sources.push(Source::Kick(number));
                fds.push(PollFd::new(kick, PollFlags::IN));
            }
        }
        for (at, port) in self.device.ports.iter().enumerate() {
            let queue = guest.queues.get(queues_of(port.number).0);
            sources.push(Source::Port(at));
            fds.push(port.poll(queue.is_some_and(|queue| queue.has_buffer(&guest.memory))));
        }
        poll(&mut fds, None)?;
        let woken = sources.into_iter().zip(fds.iter().map(PollFd::revents));
        Ok(woken.filter(|(_, events)| !events.is_empty()).collect())
    }

    /// Does what its owner asks for; false when there is no owner any more.
    fn change(&mut self) -> Result<bool> {
        if self.woken.read(&mut [0])? == 0 {
            return Ok(false);
        }
        let (change, answer) = self.asked.recv()?;
        let done = match change {
            Change::Unplug(number) => self.device.unplug(number, &mut self.guest),
            Change::Plug(number, name) => self.device.plug(number, &name),
        };
        let _nobody_waits = answer.send(done);
        Ok(true)
    }

    /// Takes the guest's kernel's connection, or its next message.
    fn hear_kernel(&mut self) -> Result<()> {
        let Some(stream) = &self.connection else {
            self.connection = Some(self.listener.accept()?.0);
            *locked(&self.boots.0) += 1;
            self.boots.1.notify_all();
            return Ok(());
        };
        match Message::receive(stream)? {
            Some(mut message) => {
                let answer = self.guest.obey(&mut message)?;
                message.answer(stream, answer)?;
            }
            None => self.forget_guest(),
        }
        Ok(())
    }

    fn forget_guest(&mut self) {
        self.connection = None;
        self.device.forget_guest();
        self.guest.reset();
    }

    fn kicked(&mut self, number: usize) {
        if let Some(kick) = self.guest.queues.get_mut(number).and_then(|queue| queue.kick.as_mut()) {
            // It was readable; what is counted in it does not matter.
            let _count = kick.read(&mut [0; 8]);
        }
    }

    /// A client that has gone while the guest takes nothing. Otherwise reading finds that out, after its last bytes.
    fn hung_up(&mut self, at: usize, events: PollFlags) {
        if events.intersects(PollFlags::HUP | PollFlags::ERR) && !events.contains(PollFlags::IN) {
            self.device.hang_up(at);
        }
    }
}
