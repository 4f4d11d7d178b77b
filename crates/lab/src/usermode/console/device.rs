//! The device: control messages, and bytes moved between ports and queues.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};

use super::control::{Control, Event};
use super::guest::{CONTROL_FROM_GUEST, CONTROL_TO_GUEST, Guest, queues_of};
use super::port::Port;

/// Ports, and what the guest has yet to be told about them.
#[derive(Debug, Default)]
pub(super) struct Device {
    pub(super) ports: Vec<Port>,
    untold: VecDeque<Vec<u8>>,
    /// Whether the guest's driver is there.
    ready: bool,
}

impl Device {
    pub(super) fn new(ports: Vec<Port>) -> Self {
        Self { ports, ..Self::default() }
    }

    /// The guest is gone; another may come. Clients stay, as they do with QEMU.
    pub(super) fn forget_guest(&mut self) {
        self.ready = false;
        self.untold.clear();
        self.ports.iter_mut().for_each(Port::forget_guest);
    }

    /// Takes the port away from the guest. Its socket stays, with its client.
    pub(super) fn unplug(&mut self, number: u32, guest: &mut Guest) -> Result<()> {
        let port = self.port(number)?;
        ensure!(port.name.take().is_some(), "port {number} is unplugged already");
        let (queue, memory) = guest.queue(queues_of(number).1)?;
        port.discard(queue, memory)?;
        port.forget_guest();
        self.tell(number, Event::PortRemove, true);
        Ok(())
    }

    /// Gives the port to the guest under this name.
    pub(super) fn plug(&mut self, number: u32, name: &str) -> Result<()> {
        let port = self.port(number)?;
        ensure!(port.name.is_none(), "port {number} is plugged in already");
        port.name = Some(name.to_owned());
        self.tell(number, Event::PortAdd, true);
        Ok(())
    }

    fn port(&mut self, number: u32) -> Result<&mut Port> {
        self.ports.iter_mut().find(|port| port.number == number).context("no such port")
    }

    fn tell(&mut self, port: u32, event: Event, value: bool) {
        if self.ready {
            self.untold.push_back(Control::new(port, event, value).bytes());
        }
    }

    /// Moves everything that can be moved now.
    pub(super) fn pump(&mut self, guest: &mut Guest) -> Result<()> {
        self.listen(guest)?;
        for at in 0..self.ports.len() {
            self.carry(at, guest)?;
        }
        let (queue, memory) = guest.queue(CONTROL_TO_GUEST)?;
        while let Some(message) = self.untold.front() {
            if queue.fill(memory, message)?.is_none() {
                break;
            }
            self.untold.pop_front();
        }
        Ok(())
    }

    fn carry(&mut self, at: usize, guest: &mut Guest) -> Result<()> {
        let Some(port) = self.ports.get_mut(at) else { return Ok(()) };
        let had_client = port.has_client();
        port.accept();
        self.tell_client(at, had_client);
        let Some(port) = self.ports.get_mut(at).filter(|port| port.name.is_some()) else { return Ok(()) };
        let had_client = port.has_client();
        let (to_guest, from_guest) = queues_of(port.number);
        let (queue, memory) = guest.queue(from_guest)?;
        port.carry_from_guest(queue, memory)?;
        let (queue, memory) = guest.queue(to_guest)?;
        port.carry_to_guest(queue, memory)?;
        self.tell_client(at, had_client);
        Ok(())
    }

    /// The client of this port has gone.
    pub(super) fn hang_up(&mut self, at: usize) {
        let Some(port) = self.ports.get_mut(at) else { return };
        let had_client = port.has_client();
        port.hang_up();
        self.tell_client(at, had_client);
    }

    /// Tells the guest where a client has come or gone.
    fn tell_client(&mut self, at: usize, had_client: bool) {
        let Some(port) = self.ports.get(at) else { return };
        let (number, now) = (port.number, port.has_client());
        if port.ready && now != had_client {
            self.tell(number, Event::PortOpen, now);
        }
    }

    /// Acts on what the guest says on its control queue.
    fn listen(&mut self, guest: &mut Guest) -> Result<()> {
        let (queue, memory) = guest.queue(CONTROL_FROM_GUEST)?;
        while let Some(taken) = queue.take(memory)? {
            if let Some(message) = Control::parse(&taken.bytes) {
                self.heard(message);
            }
            queue.give_back(memory, &taken)?;
        }
        Ok(())
    }

    pub(super) fn heard(&mut self, message: Control) {
        match message.event {
            Event::DeviceReady => self.device_ready(message.value != 0),
            Event::PortReady if message.value != 0 => self.port_ready(message.port),
            Event::PortOpen => {
                if let Ok(port) = self.port(message.port) {
                    port.guest_open = message.value != 0;
                }
            }
            _ => {}
        }
    }

    fn device_ready(&mut self, ready: bool) {
        self.ready = ready;
        let plugged = self.ports.iter().filter(|port| port.name.is_some()).map(|port| port.number);
        for number in plugged.collect::<Vec<_>>() {
            self.tell(number, Event::PortAdd, true);
        }
    }

    /// The guest has set the port up, and wants to know more about it.
    fn port_ready(&mut self, number: u32) {
        let Ok(port) = self.port(number) else { return };
        let Some(name) = port.name.clone() else { return };
        port.ready = true;
        let has_client = port.has_client();
        let named = Control::new(number, Event::PortName, true).followed_by(format!("{name}\0").as_bytes());
        self.untold.push_back(named);
        if has_client {
            self.tell(number, Event::PortOpen, true);
        }
    }
}

/// A panic elsewhere leaves nothing half done in what is locked here.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
