//! Who may change what: rules, and the decision by them.
//!
//! A request needs one rule that allows all of it: who asks, each change of it, each machine, and how many these are. What
//! only tells needs none. Root and the hub's own user may change everything unless a rule names them: then they may what rules
//! allow, so that a slip of theirs has a bound, too.

mod rule;
#[cfg(test)]
mod tests;
mod who;

pub use rule::{Rule, Written};
pub use who::{Identity, OPERATOR};

use crate::request::ALL_ACTIONS;
use crate::which::Which;

/// Rules at most.
pub const MAX_RULES: usize = 256;
/// The name by which rules allow to end others' commands.
pub const CANCEL: &str = "Cancel";
/// What the audit names where no rule was needed.
pub const OWNER: &str = "right of root and the hub's own user";
/// What the audit names where somebody ends what is his own.
pub const OWN: &str = "right to end one's own";

/// What somebody asks for.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// What of it changes something, by the names that rules have for it.
    pub changes: &'a [String],
    /// For which machines.
    pub vms: &'a [String],
}

/// All rules, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    rules: Vec<Rule>,
}

impl Policy {
    /// Reads rules.
    ///
    /// # Errors
    /// Which rule is wrong, why, and what is allowed.
    pub fn new(written: &[Written]) -> Result<Self, String> {
        if written.len() > MAX_RULES {
            return Err(format!("there are {} rules; at most {MAX_RULES} are allowed", written.len()));
        }
        let read = |(n, written): (usize, &Written)| {
            let label = written.label(n);
            Rule::new(label.clone(), written).map_err(|error| format!("{label}: {error}"))
        };
        let rules = written.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Self { rules })
    }

    /// Whether somebody may read at all. On a Unix socket the file's permissions have decided that.
    pub fn may_read(&self, who: &Identity) -> bool {
        who.is_local() || self.rules.iter().any(|rule| rule.is_for(who))
    }

    /// Whether a rule is for certificates.
    pub fn has_certificates(&self) -> bool {
        self.rules.iter().any(Rule::is_for_certificates)
    }

    /// Whether somebody may change what he asks for; by which rule, as the audit names it. `is_meant` says whether a machine
    /// is one of those that a rule is about; one that is not there has nothing changed, and is none of them.
    ///
    /// # Errors
    /// Who may not do what, and which rule would allow it.
    pub fn decide(
        &self,
        who: &Identity,
        ask: Ask<'_>,
        is_meant: &dyn Fn(&Which, &str) -> bool,
    ) -> Result<String, String> {
        if who.is_owner && !self.rules.iter().any(|rule| rule.names(who)) {
            return Ok(OWNER.to_owned());
        }
        let found = self.rules.iter().map(|rule| (rule, rule.misses(who, ask, is_meant)));
        let (mut nearest, mut fewest) = (None, usize::MAX);
        for (rule, misses) in found {
            match misses.len() {
                0 => return Ok(rule.label().to_owned()),
                count if count < fewest => (nearest, fewest) = (Some((rule, misses)), count),
                _ => {}
            }
        }
        let asked = format!("{who} may not do {} on {}", what(ask), machines(ask.vms));
        Err(match nearest {
            Some((rule, misses)) if fewest == 1 => {
                format!("{asked}: {}", misses.iter().map(|miss| rule.told(miss, ask)).collect::<String>())
            }
            _ => format!("{asked}: no rule allows it"),
        })
    }
}

/// What is asked for, in a sentence.
fn what(ask: Ask<'_>) -> String {
    let names =
        ask.changes.iter().map(|name| if name == ALL_ACTIONS { "what this hub cannot read" } else { name });
    names.collect::<Vec<_>>().join(", ")
}

fn machines(vms: &[String]) -> String {
    match vms {
        [vm] => format!("{vm:?}"),
        vms => format!("{} machines", vms.len()),
    }
}
