//! One rule: as it is written, as it is read, and what of a request it does not allow.

use super::who::{Identity, Who};
use super::{Ask, CANCEL};
use crate::request::ALL_ACTIONS;
use crate::which::Which;
use infiniservice_protocol::ActionName;
use infiniservice_protocol::action::UNSAFE_COMMAND;
use serde::{Deserialize, Serialize};

/// Entries of `who` at most; of `actions` there are no more than changes.
const MAX_WHO: usize = 64;
/// Longest name, in characters.
const MAX_NAME_CHARS: usize = 64;

/// A rule as the configuration has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// What the audit and refusals call it; by default its number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Who: `user:NAME`, `uid:NUMBER`, `group:NAME`, `san:NAME`, `operator:NAME`.
    pub who: Vec<String>,
    /// On which machines: names with commas between them, in which `*` is any text; `all`; or a selector.
    pub vms: String,
    /// What: names of actions, `UnsafeCommand`, `Cancel`, or `*` for all; none for one that only lets read.
    pub actions: Vec<String>,
    /// On how many machines one request may be at most; without it on as many as a job may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_targets: Option<u32>,
}

impl Written {
    /// What it is called: by its name, or by its number from 1.
    pub(super) fn label(&self, n: usize) -> String {
        if self.name.is_empty() { format!("rule {}", n + 1) } else { format!("rule {:?}", self.name) }
    }
}

/// What of a request a rule does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Miss {
    Who,
    Action,
    Machine(String),
    Count(u32),
}

/// A rule that was read.
#[derive(Clone, Debug)]
pub struct Rule {
    label: String,
    written: Written,
    who: Vec<Who>,
    vms: Which,
}

impl Rule {
    pub(super) fn new(label: String, written: &Written) -> Result<Self, String> {
        if written.name.chars().count() > MAX_NAME_CHARS || written.name.chars().any(char::is_control) {
            return Err(format!(
                "`name` must have at most {MAX_NAME_CHARS} characters, no control characters"
            ));
        }
        if written.who.is_empty() || written.who.len() > MAX_WHO {
            return Err(format!("`who` must have 1 to {MAX_WHO} entries, not {}", written.who.len()));
        }
        if written.max_targets == Some(0) {
            return Err("`max_targets` must be at least 1".to_owned());
        }
        written.actions.iter().try_for_each(|action| check_action(action))?;
        let who = written.who.iter().map(|entry| Who::parse(entry)).collect::<Result<_, _>>()?;
        let vms = Which::parse(&written.vms).map_err(|error| format!("`vms`: {error}"))?;
        // A guest must not choose by a tag of its own which rules are about it.
        Ok(Self { label, written: written.clone(), who, vms: vms.by_the_host() })
    }

    /// What the audit calls it.
    pub fn label(&self) -> &str {
        &self.label
    }

    pub(super) fn is_for(&self, who: &Identity) -> bool {
        self.who.iter().any(|entry| entry.is(who))
    }

    pub(super) fn names(&self, who: &Identity) -> bool {
        self.who.iter().any(|entry| entry.names(who))
    }

    pub(super) fn is_for_certificates(&self) -> bool {
        self.who.iter().any(|entry| matches!(entry, Who::San(_)))
    }

    /// What of a request it does not allow; nothing where it allows all of it.
    pub(super) fn misses(
        &self,
        who: &Identity,
        ask: Ask<'_>,
        is_meant: &dyn Fn(&Which, &str) -> bool,
    ) -> Vec<Miss> {
        let allows =
            |change: &String| self.written.actions.iter().any(|it| it == ALL_ACTIONS || it == change);
        let most = self.written.max_targets.filter(|most| ask.vms.len() > *most as usize);
        let elsewhere = ask.vms.iter().find(|vm| !is_meant(&self.vms, vm));
        let misses = [
            (!self.is_for(who)).then_some(Miss::Who),
            (!ask.changes.iter().all(allows)).then_some(Miss::Action),
            elsewhere.cloned().map(Miss::Machine),
            most.map(Miss::Count),
        ];
        misses.into_iter().flatten().collect()
    }

    /// The sentence for the one thing that is missing.
    pub(super) fn told(&self, miss: &Miss, ask: Ask<'_>) -> String {
        let label = &self.label;
        match miss {
            Miss::Who => format!("{label} would allow it to {}", self.written.who.join(", ")),
            Miss::Action if self.written.actions.is_empty() => format!("{label} lets you read only"),
            Miss::Action => format!("{label} lets you do only {}", self.written.actions.join(", ")),
            Miss::Machine(vm) => {
                format!("{label} would allow it on {}, of which {vm:?} is none", self.written.vms)
            }
            Miss::Count(most) => {
                format!("{label} would allow it on at most {most} machines, and these are {}", ask.vms.len())
            }
        }
    }
}

fn check_action(name: &str) -> Result<(), String> {
    let others = [ALL_ACTIONS, UNSAFE_COMMAND, CANCEL];
    if others.contains(&name) || ActionName::from_name(name).is_some() {
        return Ok(());
    }
    let known = ActionName::ALL.map(ActionName::name);
    let known = others.iter().copied().chain(known).collect::<Vec<_>>().join(", ");
    Err(format!("`actions` has {name:.80?}; allowed are {known}"))
}
