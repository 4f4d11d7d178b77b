//! A client's place at a machine: its lines go to the guest, and the guest's to it.

use super::clock;
use super::hub::{Hub, refusal};
use super::inbox::{Inbox, Item};
use super::peer::Actor;
use super::permit::change;
use infiniservice_hub_core::machine::Write;
use infiniservice_hub_core::request::Request;
use infiniservice_hub_core::router::Verdict;
use infiniservice_hub_core::{Client, Fleet};
use infiniservice_protocol::{ErrorCode, Rejection};
use std::rc::Rc;
use std::sync::Arc;

/// Clients at one time, of both sockets.
const MAX_CLIENTS: usize = 4096;

/// A client's place at a machine. It leaves when this is dropped.
pub(super) struct Seat {
    hub: Rc<Hub>,
    vm: Arc<str>,
    client: Client,
    actor: Actor,
    /// What the guest says to it.
    pub(super) inbox: Rc<Inbox>,
}

impl Hub {
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
