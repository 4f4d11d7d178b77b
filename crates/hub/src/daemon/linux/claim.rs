//! The names that guests' sockets have: the first socket of a name has it, and others wait.

use super::hub::Hub;
use infiniservice_hub_core::fleet::NotTaken;
use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often a socket whose name another one has asks for it.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// A guest's socket.
#[derive(Clone, Debug)]
pub(super) struct Socket {
    pub(super) path: PathBuf,
    /// The machine's name as the path has it.
    pub(super) vm: String,
    /// Whether libvirt may have shortened it.
    pub(super) may_be_short: bool,
}

/// The name that a socket has in the table, once it has one.
#[derive(Debug, Default)]
pub(super) struct Claim {
    name: RefCell<Option<Arc<str>>>,
    /// Another has this one, which it should have.
    refused: RefCell<Option<String>>,
}

impl Claim {
    /// The name.
    pub(super) fn name(&self) -> Option<Arc<str>> {
        self.name.borrow().clone()
    }

    /// Takes a name, in the place of another one that it had; `None` where that is not to be had.
    pub(super) fn at_once(&self, hub: &Hub, socket: &Socket, vm: &str) -> Option<Arc<str>> {
        if let Some(name) = self.name().filter(|name| **name == *vm) {
            return Some(name);
        }
        match hub.claim(vm, &socket.path.display().to_string()) {
            Ok(name) => {
                self.give_up(hub, "it has another name");
                *self.name.borrow_mut() = Some(Arc::clone(&name));
                Some(name)
            }
            Err(error) => {
                log::warn!("{} is not served: {}", socket.path.display(), why(&error));
                *self.refused.borrow_mut() = Some(vm.to_owned());
                None
            }
        }
    }

    /// Takes a name as soon as it is to be had. That another has it is told once.
    pub(super) async fn wait_for(&self, hub: &Hub, socket: &Socket, vm: &str) {
        self.until_free(hub).await;
        while self.at_once(hub, socket, vm).is_none() {
            self.until_free(hub).await;
        }
    }

    /// Waits while another has the name that this one should have.
    pub(super) async fn until_free(&self, hub: &Hub) {
        let Some(vm) = self.refused.take() else { return };
        while !is_free(hub, &vm) {
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// The socket is gone, or is not wanted any more.
    pub(super) fn give_up(&self, hub: &Hub, reason: &str) {
        if let Some(name) = self.name.take() {
            hub.closed(&name, reason);
            hub.vanished(&name);
        }
    }
}

fn is_free(hub: &Hub, vm: &str) -> bool {
    hub.look(|fleet| fleet.get(vm).map_or_else(|| fleet.has_room(), |entry| entry.vanished.is_some()))
}

fn why(error: &NotTaken) -> String {
    match error {
        NotTaken::Claimed { by } => format!("{by} has its name"),
        NotTaken::Full => "the table of machines is full".to_owned(),
    }
}
