//! A connection to a guest from its beginning, its own or another hub's, to its end.

use super::handover::Left;
use super::hub::{Hub, Link};
use super::outbox::Outbox;
use super::unix_diag::End;
use super::{clock, secret};
use infiniservice_hub_core::machine::{Machine, Reaction, Write};
use infiniservice_protocol::envelope::Signer;
use infiniservice_protocol::{HostMessage, LineDecoder, LineRef};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use tokio::net::UnixStream;

/// Longest line of a guest: the contract's 4 MiB and some slack.
const MAX_LINE_BYTES: usize = (4 << 20) + (64 << 10);

/// What a guest's task reads into and writes from.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) outbox: Rc<Outbox>,
    pub(super) decoder: Rc<RefCell<LineDecoder>>,
}

/// How a connection begins.
pub(super) enum Beginning {
    /// It is new.
    New,
    /// Another hub had it, and nobody knows what it had read.
    Found,
    /// Another hub had it, and left what it knew.
    Left(Box<Left>),
}

impl Hub {
    /// A machine's socket is connected.
    pub(super) fn connected(
        &self,
        name: &Arc<str>,
        path: &Path,
        stream: &UnixStream,
        beginning: Beginning,
    ) -> Way {
        let outbox = Rc::new(Outbox::default());
        let decoder = Rc::new(RefCell::new(LineDecoder::new(MAX_LINE_BYTES).keeping_nothing()));
        let link = Link {
            path: path.to_owned(),
            outbox: Rc::clone(&outbox),
            decoder: Rc::clone(&decoder),
            may_begin_torn: matches!(beginning, Beginning::Found),
            signer: self.signer(name),
            clients: Vec::new(),
            end: End::of(stream),
        };
        self.state.borrow_mut().links.insert(Arc::clone(name), link);
        match beginning {
            Beginning::New | Beginning::Found => {
                // It ends what another hub may have written half.
                outbox.push(b"\n");
                self.act(name, |machine, now| Reaction {
                    write: machine.connected(now),
                    ..Reaction::default()
                });
            }
            Beginning::Left(left) => self.go_on(name, &outbox, &mut decoder.borrow_mut(), *left),
        }
        Way { outbox, decoder }
    }

    fn signer(&self, name: &str) -> Option<Signer> {
        secret::of(&self.settings.now().secrets_dir, name).unwrap_or_else(|error| {
            log::error!("{name}: its secret is not used: {error}");
            None
        })
    }

    fn go_on(&self, name: &Arc<str>, outbox: &Outbox, decoder: &mut LineDecoder, left: Left) {
        decoder.push(&left.begun);
        if left.discards {
            decoder.discard();
        }
        outbox.push(&left.unwritten);
        let introduced = |machine: &mut Machine, now| machine.take_over(now, left.machine);
        self.act(name, |machine, now| Reaction {
            introduced: introduced(machine, now),
            ..Reaction::default()
        });
    }

    /// Asks for the figures that another hub had.
    pub(super) fn ask_for_figures(&self, name: &Arc<str>) {
        let ask = Write::Message(HostMessage::Metrics { id: None });
        self.state.borrow_mut().write(name, clock::now(), vec![ask]);
    }

    /// After a crash the first piece may be the rest of a line. What is whole counts: a rest is never an object, because its
    /// last brace has no first one.
    pub(super) fn is_the_rest_of_a_line(&self, name: &str, item: LineRef<'_>) -> bool {
        let mut state = self.state.borrow_mut();
        let Some(link) = state.links.get_mut(name) else { return false };
        let is_object = |text: &str| serde_json::from_str::<serde_json::Map<_, _>>(text).is_ok();
        std::mem::take(&mut link.may_begin_torn) && !matches!(item, LineRef::Line(text) if is_object(text))
    }

    /// A machine's socket was closed, or could not be connected. Its clients go, as those of the socket itself would.
    pub(super) fn closed(&self, name: &Arc<str>, reason: &str) {
        let event = |machine: &mut Machine, now| machine.closed(now, reason).into_iter().collect();
        self.act(name, |machine, now| Reaction { events: event(machine, now), ..Reaction::default() });
        let link = self.state.borrow_mut().links.remove(name);
        for (_, inbox) in link.into_iter().flat_map(|link| link.clients) {
            inbox.close(reason);
        }
    }

    /// The secrets as they are now.
    pub(super) fn read_secrets_again(&self) {
        let names: Vec<_> = self.state.borrow().links.keys().cloned().collect();
        for name in names {
            let signer = self.signer(&name);
            if let Some(link) = self.state.borrow_mut().links.get_mut(&name) {
                link.signer = signer;
            }
        }
    }

    /// What the next hub is to know of all connections. Nothing is read or written any more after this.
    pub(super) fn leave(&self) -> std::io::Result<usize> {
        let state = self.state.borrow();
        let left = state.links.iter().filter_map(|(name, link)| {
            // Of a connection that a crash left nobody knows yet where its lines begin.
            let entry = state.fleet.get(name).filter(|_| !link.may_begin_torn)?;
            Some((link.path.clone(), left(link, entry.machine.hand_over()?)))
        });
        self.store.leave(left.collect::<Vec<(PathBuf, Left)>>().into_iter())
    }
}

fn left(link: &Link, machine: infiniservice_hub_core::machine::Handover) -> Left {
    let decoder = link.decoder.borrow();
    let (begun, discards) = (decoder.unfinished().to_vec(), decoder.is_discarding());
    Left { machine, begun, discards, unwritten: link.outbox.unwritten() }
}
