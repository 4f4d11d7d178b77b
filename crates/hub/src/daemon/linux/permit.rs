//! Who may change what on this host: the rules over its machines, and what of a request they are asked about.

use super::peer::Actor;
use infiniservice_fleet::Keys;
use infiniservice_hub_core::event::Allowance;
use infiniservice_hub_core::policy::{Ask, CANCEL, OWNER};
use infiniservice_hub_core::request::{ALL_ACTIONS, Request};
use infiniservice_hub_core::{Fleet, Policy, Which};
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::trace::TraceContext;
use std::cell::{Ref, RefCell};

/// The rules in force.
pub(super) struct Permits {
    policy: RefCell<Policy>,
    /// The operators whose orders count.
    keys: RefCell<Keys>,
    /// How much is told of those whom no rule names: they may ask as often as they like.
    strangers: RefCell<Allowance>,
}

impl Permits {
    /// With these rules, and these operators.
    pub(super) fn new(policy: Policy, keys: Keys) -> Self {
        let (policy, keys) = (RefCell::new(policy), RefCell::new(keys));
        Self { policy, keys, strangers: RefCell::default() }
    }

    /// Puts others into force: they count for whatever is decided next.
    pub(super) fn put(&self, policy: Policy, keys: Keys) {
        *self.policy.borrow_mut() = policy;
        *self.keys.borrow_mut() = keys;
    }

    /// Looks at the operators' keys.
    pub(super) fn keys(&self) -> Ref<'_, Keys> {
        self.keys.borrow()
    }

    /// Whether somebody may do it, and by which rule.
    ///
    /// # Errors
    /// Who may not do what, and which rule would allow it.
    pub(super) fn permit(
        &self,
        fleet: &Fleet,
        now: Now,
        actor: &Actor,
        ask: Ask<'_>,
    ) -> Result<String, String> {
        // Nothing is changed in a machine that the hub does not have: it ends as absent.
        let is_meant =
            |which: &Which, vm: &str| fleet.get(vm).is_none_or(|entry| which.matches(vm, entry, now));
        self.policy.borrow().decide(&actor.who, ask, &is_meant)
    }

    /// Whether somebody may read.
    pub(super) fn may_read(&self, actor: &Actor) -> bool {
        self.policy.borrow().may_read(&actor.who)
    }

    /// Whether one more whom no rule names is told of; with how many before it that were not.
    pub(super) fn tells_of_stranger(&self, now: Now) -> Option<u64> {
        self.strangers.borrow_mut().take(now.mono)
    }
}

/// Whether somebody may have the settings read again, and by which right. No rule gives or takes it: rules are settings.
///
/// # Errors
/// Who may not, and who may.
pub(super) fn permit_reload(actor: &Actor) -> Result<String, String> {
    if actor.who.is_owner {
        return Ok(OWNER.to_owned());
    }
    Err(format!("{} may not do a reload: only root and the hub's own user may", actor.who))
}

/// What is told of a request that changes or ends something: each is told, whatever becomes of it.
pub(super) struct Change {
    /// The action's name, or the message's type.
    pub(super) what: String,
    /// The message's id.
    pub(super) id: String,
    /// Its place in a trace, where it has one.
    pub(super) trace: Option<TraceContext>,
    /// By the names that rules have for it.
    changes: Vec<String>,
}

impl Change {
    /// It as a question to the rules.
    pub(super) fn ask<'a>(&'a self, vms: &'a [String]) -> Ask<'a> {
        Ask { changes: &self.changes, vms }
    }
}

/// What of a request is told.
pub(super) fn change(request: &Request) -> Option<Change> {
    let (command, changes) = match request {
        Request::Command(it) if it.cancels.is_some() => (it, vec![CANCEL.to_owned()]),
        Request::Command(it) if !it.changes.is_empty() => (it, it.changes.clone()),
        Request::Unknown => {
            let (what, changes) = ("an unknown message".to_owned(), vec![ALL_ACTIONS.to_owned()]);
            return Some(Change { what, id: String::new(), trace: None, changes });
        }
        _ => return None,
    };
    let (what, id) = (command.what.clone(), command.id().to_owned());
    Some(Change { what, id, trace: command.trace.clone(), changes })
}
