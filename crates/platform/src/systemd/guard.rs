//! What `ServiceControl` does not do: lose the agent to the host, or end the machine under another name.

use super::calls::UNIT;
use super::control::{ControlError, Operation};
use super::ends::Ends;
use super::error::SystemdError;
use infiniservice_protocol::ServiceOperation;
use std::collections::BTreeSet;
use zbus::OwnedObjectPath;

/// The two units that the agent comes with: one of them runs, as both want the same port.
const OURS: [&str; 2] = ["infiniservice.service", "infiniservice-readonly.service"];

/// Units that one brings with it, of which is looked at what they do.
const MAX_LOOKED_AT: usize = 48;

/// How a unit brings another with it.
const PULLS: [&str; 6] = ["Requires", "Wants", "BindsTo", "Upholds", "Triggers", "OnSuccess"];
/// How the end of a unit ends another.
const TAKES_DOWN: [&str; 3] = ["RequiredBy", "BoundBy", "ConsistsOf"];
/// How the start of a unit ends another.
const CONFLICTS: [&str; 2] = ["Conflicts", "ConflictedBy"];

impl Operation<'_> {
    /// Refuses an operation by the unit's name alone.
    pub(super) fn refuse_by_name(&self, operation: ServiceOperation) -> Result<(), ControlError> {
        match Ends::of(self.unit.as_str()) {
            Some(ends) if brings_up(operation) => {
                Err(ControlError::NotForServices(ends.refusal(self.unit.as_str(), "")))
            }
            _ => Ok(()),
        }
    }

    /// The host could never reach the agent again, had it stopped or disabled it. Whether it is the agent's own unit.
    pub(super) async fn refuse_own(&self, operation: ServiceOperation) -> Result<bool, ControlError> {
        if !takes_down(operation) {
            return Ok(false);
        }
        let is_own = self.is_own().await;
        if is_own && operation != ServiceOperation::Restart {
            let error = format!(
                "{} is this agent: without it the host could no longer reach this machine",
                self.unit
            );
            return Err(ControlError::Refused(error));
        }
        Ok(is_own)
    }

    async fn own_unit(&self) -> Option<String> {
        match self.own {
            None => self.calls().own_unit().await,
            Some(name) => Some(name.to_owned()),
        }
    }

    /// By any of its names: an alias leads to the same unit.
    async fn is_own(&self) -> bool {
        let Some(own) = self.own_unit().await else { return false };
        if own == self.unit.as_str() {
            return true;
        }
        let Ok(path) = self.calls().load().await else { return false };
        self.calls().unit_property::<String>(&path, "Id").await.is_ok_and(|id| id == own)
    }

    /// Refuses what the loaded unit would do to the machine or to the agent.
    pub(super) async fn guard(&self, path: &str, operation: ServiceOperation) -> Result<(), ControlError> {
        let own = self.own_unit().await;
        if let Some(own) = &own {
            self.guard_own(path, operation, own).await?;
        }
        if brings_up(operation) {
            self.guard_start(path, own.as_deref()).await?;
        }
        if matches!(operation, ServiceOperation::Stop) {
            self.guard_actions(path, self.unit.as_str()).await?;
        }
        Ok(())
    }

    /// What the agent's own unit depends on stays up.
    async fn guard_own(
        &self,
        path: &str,
        operation: ServiceOperation,
        own: &str,
    ) -> Result<(), ControlError> {
        if !matches!(operation, ServiceOperation::Stop | ServiceOperation::Restart) {
            return Ok(());
        }
        let dependents = self.names(path, &TAKES_DOWN).await?;
        if !dependents.contains(own) {
            return Ok(());
        }
        let unit = self.unit;
        Err(ControlError::Refused(format!("{own}, which is this agent, needs {unit} and would stop with it")))
    }

    /// The unit itself, what it triggers and what it brings with it.
    async fn guard_start(&self, path: &str, own: Option<&str>) -> Result<(), ControlError> {
        let names = self.names(path, &["Names"]).await?;
        self.guard_names(&names, " (by another of its names)")?;
        self.guard_actions(path, self.unit.as_str()).await?;
        self.guard_conflicts(path, &names, own).await?;
        let mut pulled = self.names(path, &PULLS).await?;
        self.guard_names(&pulled, " through a unit that it pulls in")?;
        for name in std::mem::take(&mut pulled).iter().filter(|name| runs(name)).take(MAX_LOOKED_AT) {
            let loaded: Result<OwnedObjectPath, _> = self.calls().ask("LoadUnit", &name.as_str()).await;
            let Ok(loaded) = loaded else { continue };
            let below = self.names(loaded.as_str(), &["Names"]).await?;
            self.guard_conflicts(loaded.as_str(), &below, own).await?;
            if own != Some(name.as_str()) {
                self.guard_actions(loaded.as_str(), name).await?;
            }
            let below = self.names(loaded.as_str(), &PULLS).await?;
            self.guard_names(&below, " through units that it pulls in")?;
        }
        Ok(())
    }

    fn guard_names(&self, names: &BTreeSet<String>, because: &str) -> Result<(), ControlError> {
        match names.iter().find_map(|name| Ends::of(name)) {
            Some(ends) => Err(ControlError::NotForServices(ends.refusal(self.unit.as_str(), because))),
            None => Ok(()),
        }
    }

    /// `name` is the unit at `path`, which ends the machine when it ends or fails.
    async fn guard_actions(&self, path: &str, name: &str) -> Result<(), ControlError> {
        for property in ["SuccessAction", "FailureAction"] {
            let action: String = self.calls().optional(path, UNIT, property).await?;
            if let Some(ends) = Ends::of_unit_action(&action) {
                let because = format!(" by {property}={action} of {name}");
                return Err(ControlError::NotForServices(ends.refusal(self.unit.as_str(), &because)));
            }
        }
        Ok(())
    }

    /// Whether the unit at `path`, known by `names`, would end the agent's own.
    async fn guard_conflicts(
        &self,
        path: &str,
        names: &BTreeSet<String>,
        own: Option<&str>,
    ) -> Result<(), ControlError> {
        let Some(own) = own else { return Ok(()) };
        if names.contains(own) {
            return Ok(());
        }
        let twin = OURS.contains(&own) && OURS.iter().any(|ours| names.contains(*ours));
        if twin || self.names(path, &CONFLICTS).await?.contains(own) {
            let unit = self.unit;
            let error = format!(
                "{unit} replaces {own}, which is this agent: the host could no longer reach this machine"
            );
            return Err(ControlError::Refused(error));
        }
        Ok(())
    }

    /// All unit names in these properties of the unit at `path`; those that this version of systemd does not have are empty.
    async fn names(&self, path: &str, properties: &[&str]) -> Result<BTreeSet<String>, SystemdError> {
        let mut names = BTreeSet::new();
        for property in properties {
            names.extend(self.calls().optional::<Vec<String>>(path, UNIT, property).await?);
        }
        Ok(names)
    }
}

/// Whether the unit runs after it, now or from the next boot on.
const fn brings_up(operation: ServiceOperation) -> bool {
    matches!(operation, ServiceOperation::Start | ServiceOperation::Restart | ServiceOperation::Enable)
}

const fn takes_down(operation: ServiceOperation) -> bool {
    matches!(operation, ServiceOperation::Stop | ServiceOperation::Restart | ServiceOperation::Disable)
}

/// Of those types that do something of their own.
fn runs(name: &str) -> bool {
    [".service", ".target", ".socket", ".timer", ".path"].iter().any(|suffix| name.ends_with(suffix))
}
