//! What one check found, and how it becomes an item of the answer.

use super::thresholds::worse;
use infiniservice_protocol::Action;
use infiniservice_protocol::data::{Check, CheckStatus, Remediation};
use serde_json::{Map, Value};

/// A check that was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finding {
    /// Never `Skipped`.
    pub status: CheckStatus,
    /// One sentence for people.
    pub message: String,
    /// Figures, with units in their names.
    pub details: Map<String, Value>,
    /// How to put it right.
    pub remediation: Option<Remediation>,
    /// What was not looked at because there is more of it than the check's bounds, as a sentence with the number. Such a check
    /// never passes: what it did not see may be what is wrong.
    pub unseen: Option<String>,
}

/// Why a check could not be made, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Skip(pub String);

/// What every check comes to.
pub(super) type Assessed = Result<Finding, Skip>;

impl Skip {
    /// Not made for this reason.
    pub fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl Finding {
    /// A finding without figures.
    pub fn new(status: CheckStatus, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), ..Self::default() }
    }

    /// All is well.
    pub fn passed(message: impl Into<String>) -> Self {
        Self::new(CheckStatus::Passed, message)
    }

    /// The same with figures; anything but an object is left out.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        if let Value::Object(details) = details {
            self.details = details;
        }
        self
    }

    /// The same where not all was looked at.
    #[must_use]
    pub fn with_unseen(mut self, unseen: Option<String>) -> Self {
        self.unseen = unseen.or(self.unseen);
        self
    }

    /// The finding as it is told: one over a part of what there is warns at least, and says what it did not see.
    #[must_use]
    pub(super) fn told(mut self) -> Self {
        if let Some(unseen) = self.unseen.take() {
            self.status = worse(self.status, CheckStatus::Warning);
            self.message = format!("{} {unseen}", self.message);
            self.details.insert("unseen".into(), unseen.into());
        }
        self
    }

    /// What a person can do about it; nothing where all is well.
    #[must_use]
    pub fn advise(self, description: impl Into<String>) -> Self {
        self.remedy(description, None)
    }

    /// The same with a command that does it. One that the agent would refuse is not offered.
    #[must_use]
    pub fn remedy(mut self, description: impl Into<String>, command: Option<Action>) -> Self {
        if self.status != CheckStatus::Passed {
            let command = command.filter(is_ready);
            self.remediation = Some(Remediation { description: description.into(), command });
        }
        self
    }
}

/// The item for a check by its name.
pub(super) fn check(name: &str, assessed: Assessed) -> Check {
    match assessed {
        Ok(finding) => {
            let Finding { status, message, details, remediation, .. } = finding.told();
            Check { name: name.into(), status, message, details, remediation }
        }
        Err(Skip(message)) => Check { name: name.into(), message, ..Check::default() },
    }
}

/// Whether the command comes back the same when a host sends it.
pub(super) fn is_ready(action: &Action) -> bool {
    let Ok(Value::Object(params)) = serde_json::to_value(action) else { return false };
    Action::parse(action.name().name(), &params).is_ok_and(|parsed| parsed == *action)
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::ServiceOperation;

    fn restart(service: &str) -> Action {
        Action::ServiceControl { service: service.into(), operation: ServiceOperation::Restart }
    }

    #[test]
    fn a_command_that_the_agent_would_refuse_is_not_offered() {
        let offered = |service| {
            let finding =
                Finding::new(CheckStatus::Warning, "x").remedy("restart it", Some(restart(service)));
            finding.remediation.unwrap().command.is_some()
        };
        assert!(offered("ssh.service") && offered(r"a\x2db.service"));
        assert!(!offered("-H") && !offered("a b.service") && !offered("a/b"));
    }

    #[test]
    fn nothing_is_advised_where_all_is_well() {
        assert_eq!(Finding::passed("fine").advise("nothing").remediation, None);
    }

    #[test]
    fn a_check_over_a_part_never_passes_and_says_what_it_did_not_see() {
        let unseen = || Some("Only the newest 2000 lines were examined.".to_owned());
        let of = |status| check("x", Ok(Finding::new(status, "No error.").with_unseen(unseen())));
        let passed = of(CheckStatus::Passed);
        assert_eq!(passed.status, CheckStatus::Warning);
        assert_eq!(passed.message, "No error. Only the newest 2000 lines were examined.");
        assert_eq!(passed.details["unseen"], "Only the newest 2000 lines were examined.");
        assert_eq!(of(CheckStatus::Failed).status, CheckStatus::Failed);
        let whole = check("x", Ok(Finding::passed("No error.").with_unseen(None)));
        assert_eq!((whole.status, whole.details.len()), (CheckStatus::Passed, 0));
    }

    #[test]
    fn a_check_that_was_not_made_is_skipped_and_says_why() {
        let check = check("memory", Err(Skip::because("no /proc/meminfo")));
        assert_eq!((check.status, check.message.as_str()), (CheckStatus::Skipped, "no /proc/meminfo"));
        assert!(check.details.is_empty());
    }
}
