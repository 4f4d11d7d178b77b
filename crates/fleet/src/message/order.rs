//! What operators sign: orders, and what becomes of them later.

use crate::wave::{self, Wave};
use crate::{MAX_ORDER_ID_CHARS, MAX_SKEW_MS, name};
use infiniservice_hub_core::Which;
use infiniservice_hub_core::job::{MAX_NOT_AFTER_SECS, Request, Share};
use infiniservice_protocol::clock::Now;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One command for many machines of many hosts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Letters, digits, `-` and `_`, chosen by the operator.
    pub id: String,
    /// When it was given, in milliseconds since 1970.
    pub at_ms: u64,
    /// Until when a machine may begin, in milliseconds since 1970.
    pub not_after_ms: u64,
    /// Which machines: names or a selector. Each hub reads it for its own machines.
    pub vms: String,
    /// The guest's message, without an id.
    pub message: Map<String, Value>,
    /// Which begin together; empty is one wave of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waves: Vec<Wave>,
    /// Machines at one time, of the whole fleet.
    pub max_concurrency: Share,
    /// With more failures than that, no further machine begins; absent, nothing stops the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failures: Option<Share>,
    /// The command's own time in the guest, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// Who gives it: the name that hubs have for the key.
    pub operator: String,
}

/// What is wrong with a message: the field, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Wrong {
    /// The field.
    pub field: String,
    /// What is wrong and what is allowed.
    pub error: String,
}

pub(crate) fn wrong(field: &str, error: impl Into<String>) -> Wrong {
    Wrong { field: field.to_owned(), error: error.into() }
}

/// What an order's message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What of it changes something, by the names that rules have for it; empty for a read.
    pub changes: Vec<String>,
    /// How long an answer may take, in seconds.
    pub patience_secs: u64,
}

impl Order {
    /// Looks at every field, as each hub will.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn check(&self, now: Now) -> Result<Checked, Wrong> {
        check_id(&self.id)?;
        if self.at_ms > now.wall_ms().saturating_add(MAX_SKEW_MS) {
            return Err(wrong("at_ms", "the order is from the future: a clock is wrong"));
        }
        let longest = self.at_ms.saturating_add(MAX_NOT_AFTER_SECS * 1000);
        if self.not_after_ms <= self.at_ms || self.not_after_ms > longest {
            let error = format!("`not_after_ms` must be at most {MAX_NOT_AFTER_SECS} s after `at_ms`");
            return Err(wrong("not_after_ms", error));
        }
        Which::parse(&self.vms).map_err(|error| wrong("vms", error))?;
        wave::check(&self.waves).map_err(|error| wrong("waves", error))?;
        if !name::is_vm(&self.operator) {
            return Err(wrong("operator", "`operator` must have 1 to 256 bytes"));
        }
        self.check_message(now)
    }

    /// The part of it that a hub takes as a job of its own over these machines. It has the same bounds as any other.
    pub fn request(&self, now: Now, machines: u32) -> Request {
        let left = self.not_after_ms.saturating_sub(now.wall_ms()).div_ceil(1000);
        Request {
            id: None,
            vms: self.vms.clone(),
            message: self.message.clone(),
            max_concurrency: Some(Share::Count(machines.max(1))),
            // The coordinator counts failures, over all hubs.
            max_failures: None,
            not_after_secs: Some(left.clamp(1, MAX_NOT_AFTER_SECS)),
            timeout: self.timeout,
        }
    }

    fn check_message(&self, now: Now) -> Result<Checked, Wrong> {
        let request = Request { max_concurrency: Some(self.max_concurrency), ..self.request(now, 1) };
        // A hub's job is over machines; any name does here.
        let accepted = request.accept(now, &self.id, &self.operator, vec!["vm".to_owned()], &|_| false);
        let (job, changes) = accepted.map_err(|it| Wrong { field: it.field, error: it.error })?;
        Ok(Checked { changes, patience_secs: job.patience_secs })
    }
}

fn check_id(id: &str) -> Result<(), Wrong> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if id.is_empty() || id.len() > MAX_ORDER_ID_CHARS || !id.bytes().all(plain) {
        let error = format!("`id` must be 1 to {MAX_ORDER_ID_CHARS} letters, digits, `-` and `_`");
        return Err(wrong("id", error));
    }
    Ok(())
}

/// What becomes of a job that was ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// The order's id.
    pub job: String,
    /// When it was given, in milliseconds since 1970.
    pub at_ms: u64,
    /// Grows with each control of a job; a lower one than the last is ignored. `at_ms` will do.
    pub number: u64,
    /// What.
    pub what: What,
    /// Who gives it.
    pub operator: String,
}

/// What a control asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// No further machine begins until it is resumed.
    Pause,
    /// It goes on.
    Resume,
    /// No further machine begins, and what runs is ended where it can be.
    Cancel,
}

impl Control {
    /// Looks at every field.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn check(&self, now: Now) -> Result<(), Wrong> {
        check_id(&self.job).map_err(|it| Wrong { field: "job".to_owned(), ..it })?;
        if self.at_ms > now.wall_ms().saturating_add(MAX_SKEW_MS) {
            return Err(wrong("at_ms", "the control is from the future: a clock is wrong"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at_ms;
    use serde_json::json;

    fn order(change: &Value) -> Result<Checked, Wrong> {
        let at = at_ms(0).wall_ms();
        let mut order = json!({"id": "j-1", "at_ms": at, "not_after_ms": at + 60_000, "vms": "web-*",
            "message": {"type": "SafeCommand", "command_type":
                {"action": "ServiceControl", "service": "nginx", "operation": "restart"}},
            "waves": ["canary:1", "rest"], "max_concurrency": "10%", "operator": "alice"});
        order.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        serde_json::from_value::<Order>(order).unwrap().check(at_ms(0))
    }

    #[test]
    fn an_order_is_checked_as_a_hub_checks_a_job() {
        let checked = order(&json!({})).unwrap();
        assert_eq!(checked, Checked { changes: vec!["ServiceControl".into()], patience_secs: 300 });
        let list = json!({"type": "SafeCommand", "command_type": {"action": "ServiceList"}});
        assert!(order(&json!({"message": list})).unwrap().changes.is_empty());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_field() {
        let at = at_ms(0).wall_ms();
        for (change, field) in [
            (json!({"id": "a.b"}), "id"),
            (json!({"id": "x".repeat(MAX_ORDER_ID_CHARS + 1)}), "id"),
            (json!({"at_ms": at + MAX_SKEW_MS + 1, "not_after_ms": at + MAX_SKEW_MS + 2}), "at_ms"),
            (json!({"not_after_ms": at}), "not_after_ms"),
            (json!({"not_after_ms": at + 8 * 86_400_000}), "not_after_ms"),
            (json!({"vms": ""}), "vms"),
            (json!({"waves": ["rest", "1"]}), "waves"),
            (json!({"max_concurrency": 0}), "max_concurrency"),
            (json!({"message": {"type": "Metrics"}}), "message.type"),
            (json!({"operator": ""}), "operator"),
        ] {
            assert_eq!(order(&change).unwrap_err().field, field, "{change}");
        }
    }

    #[test]
    fn what_a_later_version_adds_is_refused_for_it_may_matter() {
        let control = json!({"job": "j", "at_ms": 1, "number": 1, "what": "pause", "operator": "a"});
        assert!(serde_json::from_value::<Control>(control.clone()).is_ok());
        let mut other = control;
        other["only_hub"] = "host-1".into();
        assert!(serde_json::from_value::<Control>(other).is_err());
    }
}
