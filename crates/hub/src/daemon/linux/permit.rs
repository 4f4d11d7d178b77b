//! Who may change what on this host: the rules over its machines, and what of a request they are asked about.

use super::peer::Actor;
use infiniservice_fleet::Keys;
use infiniservice_hub_core::event::Allowance;
use infiniservice_hub_core::policy::{Ask, CANCEL, Identity, OWNER};
use infiniservice_hub_core::request::{ALL_ACTIONS, Request};
use infiniservice_hub_core::{Fleet, Policy, Which};
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::trace::TraceContext;
use std::cell::RefCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The rules in force, and the operators whose orders count. The coordinator's thread looks at them, too.
#[derive(Default)]
pub(super) struct Rules(Mutex<(Policy, Keys)>);

impl Rules {
    fn all(&self) -> MutexGuard<'_, (Policy, Keys)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The operators' keys.
    pub(super) fn keys(&self) -> Keys {
        self.all().1.clone()
    }

    /// Whether an operator may end others' orders, on whatever machines: each hub looks at that for its own.
    ///
    /// # Errors
    /// That he may not.
    pub(super) fn may_cancel(&self, operator: &str) -> Result<(), String> {
        let who = Identity { operator: Some(operator.to_owned()), ..Identity::default() };
        let ask = Ask { changes: &[CANCEL.to_owned()], vms: &[] };
        self.all().0.decide(&who, ask, &|_, _| true).map(drop)
    }
}

/// The rules in force, as the hub asks them.
pub(super) struct Permits {
    rules: Arc<Rules>,
    /// How much is told of those whom no rule names: they may ask as often as they like.
    strangers: RefCell<Allowance>,
}

impl Permits {
    /// With these rules, and these operators.
    pub(super) fn new(policy: Policy, keys: Keys) -> Self {
        let rules = Arc::new(Rules(Mutex::new((policy, keys))));
        Self { rules, strangers: RefCell::default() }
    }

    /// Puts others into force: they count for whatever is decided next.
    pub(super) fn put(&self, policy: Policy, keys: Keys) {
        *self.rules.all() = (policy, keys);
    }

    /// The rules for whoever runs beside the hub.
    pub(super) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules)
    }

    /// Whether a text is an operator's, by their keys.
    pub(super) fn keys(&self) -> Keys {
        self.rules.keys()
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
        self.rules.all().0.decide(&actor.who, ask, &is_meant)
    }

    /// Whether somebody may read.
    pub(super) fn may_read(&self, actor: &Actor) -> bool {
        self.rules.all().0.may_read(&actor.who)
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
