//! The guests that have a task.

use super::claim::{Claim, Socket};
use super::guest;
use super::hub::Hub;
use super::scan::Found;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use tokio::task::AbortHandle;

/// The guests that have a task.
#[derive(Default)]
pub(super) struct Guests {
    running: HashMap<PathBuf, (Rc<Claim>, AbortHandle)>,
}

impl Guests {
    /// Ends the tasks of sockets that are gone, and starts those of new ones.
    pub(super) fn follow(&mut self, hub: &Rc<Hub>, found: &Found) {
        self.running.retain(|path, (claim, task)| {
            let there = found.sockets.contains_key(path);
            if !there {
                task.abort();
                hub.store.forget(path);
                claim.give_up(hub, why_not_there(path));
            }
            there
        });
        for (path, named) in &found.sockets {
            if !self.running.contains_key(path) {
                let socket =
                    Socket { path: path.clone(), vm: named.vm.clone(), may_be_short: named.may_be_short };
                self.start(hub, socket);
            }
        }
        hub.store.give_up_the_rest();
    }

    fn start(&mut self, hub: &Rc<Hub>, socket: Socket) {
        let (claim, path) = (Rc::new(Claim::default()), socket.path.clone());
        let kept = hub.store.take(&path);
        let task = guest::keep(Rc::clone(hub), socket, Rc::clone(&claim), kept);
        self.running.insert(path, (claim, tokio::task::spawn_local(task).abort_handle()));
    }
}

fn why_not_there(path: &Path) -> &'static str {
    if path.exists() { "no pattern of `sources` means its socket any more" } else { "its socket is gone" }
}
