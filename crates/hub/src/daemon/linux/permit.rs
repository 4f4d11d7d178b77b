//! Who may change what on this host: the rules over its machines, and what the audit says of it.

use super::clock;
use super::peer::Actor;
use infiniservice_hub_core::event::Allowance;
use infiniservice_hub_core::policy::{Ask, CANCEL, OWNER};
use infiniservice_hub_core::request::{ALL_ACTIONS, Request};
use infiniservice_hub_core::{Fleet, Policy, Which};
use infiniservice_protocol::clock::Now;
use std::cell::RefCell;

/// The rules in force.
pub(super) struct Permits {
    policy: RefCell<Policy>,
    /// How much is told of those whom no rule names: they may ask as often as they like.
    strangers: RefCell<Allowance>,
}

impl Permits {
    /// With these rules.
    pub(super) fn new(policy: Policy) -> Self {
        Self { policy: RefCell::new(policy), strangers: RefCell::default() }
    }

    /// Puts other rules into force: they count for whatever is decided next.
    pub(super) fn put(&self, policy: Policy) {
        *self.policy.borrow_mut() = policy;
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
    ///
    /// # Errors
    /// The sentence for one whom no rule names.
    pub(super) fn check_reader(&self, actor: &Actor) -> Result<(), String> {
        if self.policy.borrow().may_read(&actor.who) {
            return Ok(());
        }
        let error = format!("{} may do nothing here: no rule names it", actor.who);
        match self.strangers.borrow_mut().take(clock::now().mono) {
            Some(0) => log::info!(target: "audit", "audit: {actor} is refused: no rule names it"),
            Some(more) => {
                log::info!(target: "audit", "audit: {actor} is refused, and {more} before it: no rule names them");
            }
            None => {}
        }
        Err(error)
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

/// Tells what somebody asks for, by which rule he may, and where he is refused, why.
pub(super) fn audit(actor: &Actor, what: &str, permit: &Result<String, String>, refusal: Option<&str>) {
    match (refusal, permit) {
        (Some(why), _) => log::info!(target: "audit", "audit: {actor} is refused {what}: {why}"),
        (None, Ok(rule)) => log::info!(target: "audit", "audit: {actor} asks for {what}, by {rule}"),
        // Without a rule one may still end one's own command.
        (None, Err(_)) => log::info!(target: "audit", "audit: {actor} asks for {what}, which is his own"),
    }
}

/// What is told of a request that changes or ends something: each is told, whatever becomes of it.
pub(super) struct Change {
    /// The action's name, or the message's type.
    pub(super) what: String,
    /// The message's id.
    pub(super) id: String,
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
    let of =
        |what: &str, id: &str, changes| Some(Change { what: what.to_owned(), id: id.to_owned(), changes });
    match request {
        Request::Command(it) if it.cancels.is_some() => of(&it.what, it.id(), vec![CANCEL.to_owned()]),
        Request::Command(it) if !it.changes.is_empty() => of(&it.what, it.id(), it.changes.clone()),
        Request::Unknown => of("an unknown message", "", vec![ALL_ACTIONS.to_owned()]),
        _ => None,
    }
}
