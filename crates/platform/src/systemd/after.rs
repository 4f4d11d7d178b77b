//! What is true of a unit after an operation. A job's result says what systemd did, not what the unit is now: a start whose
//! condition is not met is `done`, and so is the start of a program that ends at once and is started again. So the unit is looked
//! at for a moment after its job: what a program does as soon as it was started is no part of the job.

use super::calls::{Calls, UNIT};
use super::error::SystemdError;
use super::job::{self, QUEUED};
use super::unit::LastRun;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use zbus::export::futures_core::Stream;
use zbus::message::Type;
use zbus::{MatchRule, MessageStream};

/// One row of `Conditions` and `Asserts`: what is looked at, whether one of several is enough, whether it is turned round, its
/// parameter, and whether it was met (above 0), was not (below) or was not looked at.
type ConditionRow = (String, bool, bool, String, i32);

/// A unit as an operation left it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct After {
    pub(super) active: String,
    pub(super) sub: String,
    /// `simple`, `oneshot`, …; empty for units that are no services.
    pub(super) service_type: String,
    pub(super) last_run: LastRun,
    /// Conditions and assertions that were not met, as they stand in the unit's file.
    pub(super) unmet: Vec<String>,
    /// Active units that start it again.
    pub(super) triggers: Vec<String>,
}

/// What is to be said of an operation: a note where it was done, the reason where it was not.
pub(super) type Verdict = Result<Option<String>, String>;

impl After {
    /// Whether the unit may well be something else in a moment, without anybody's doing.
    pub(super) fn may_change(&self) -> bool {
        match self.active.as_str() {
            "active" => self.is_process() && self.sub == "running",
            "activating" => !self.restarts_itself(),
            "inactive" | "failed" => !self.triggers.is_empty(),
            _ => true,
        }
    }

    fn is_process(&self) -> bool {
        !self.service_type.is_empty()
    }

    fn restarts_itself(&self) -> bool {
        self.sub.starts_with("auto-restart")
    }

    /// After a start or restart whose job was done. `restarts`: how often systemd had restarted it when the job ended.
    pub(super) fn of_start(&self, restarts: u32) -> Verdict {
        let how = self.last_run.failure();
        match self.active.as_str() {
            "activating" if self.restarts_itself() => Err(self.loops()),
            _ if self.last_run.restarts > restarts => Err(self.loops()),
            "active" | "reloading" | "refreshing" => Ok(self.restarted_before()),
            "failed" => Err(how.unwrap_or_else(|| "it failed".into())),
            "inactive" if self.last_run.result == "exec-condition" => Err(how.unwrap_or_default()),
            "inactive" if !self.unmet.is_empty() => Err(format!(
                "systemd skipped it because this condition was not met: {}",
                self.unmet.join(", ")
            )),
            "inactive" if !self.last_run.ended_well() => Err(how.unwrap_or_else(|| "it ended".into())),
            "inactive" if self.service_type == "oneshot" => {
                Ok(Some("it finished without an error; a unit of this type does not stay active".into()))
            }
            "inactive" if self.is_process() => Err("its process ended at once, without an error".into()),
            _ => Err(format!("it is {} ({})", self.active, self.sub)),
        }
    }

    fn loops(&self) -> String {
        let how = self.last_run.failure().unwrap_or_else(|| "its process ended at once".into());
        let times = self.last_run.restarts;
        format!("{how}, and systemd keeps restarting it ({times} times so far)")
    }

    fn restarted_before(&self) -> Option<String> {
        let times = self.last_run.restarts;
        (times > 0).then(|| format!("systemd had to restart it {times} times since it was last started"))
    }

    /// After a stop whose job was done.
    pub(super) fn of_stop(&self) -> Verdict {
        let by = self.triggers.join(", ");
        match self.active.as_str() {
            "inactive" | "failed" if self.triggers.is_empty() => Ok(self.last_run_note()),
            "inactive" | "failed" => Ok(Some(format!(
                "it is stopped, but {by} is active and starts it again when it is used; to keep it \
                 stopped, also stop {by}"
            ))),
            _ if self.triggers.is_empty() => {
                Err(format!("it was stopped, but is {} ({}) again", self.active, self.sub))
            }
            _ => Err(format!("{by} started it again at once; stop {by} first")),
        }
    }

    fn last_run_note(&self) -> Option<String> {
        (self.active == "failed")
            .then(|| self.last_run.failure().unwrap_or_default())
            .filter(|n| !n.is_empty())
    }
}

impl Calls<'_> {
    /// The unit at `path` as it is now.
    pub(super) async fn after(&self, path: &str) -> Result<After, SystemdError> {
        let service: &str =
            super::unit::interface(self.unit).filter(|i| i.ends_with(".Service")).unwrap_or("");
        let service_type =
            if service.is_empty() { String::new() } else { self.optional(path, service, "Type").await? };
        let active: String = self.unit_property(path, "ActiveState").await?;
        Ok(After {
            sub: self.unit_property(path, "SubState").await?,
            service_type,
            last_run: self.last_run(path, self.unit).await?,
            unmet: if active == "inactive" { self.unmet(path).await? } else { Vec::new() },
            triggers: self.active_triggers(path).await?,
            active,
        })
    }

    /// What kept the last start from being made.
    pub(super) async fn unmet(&self, path: &str) -> Result<Vec<String>, SystemdError> {
        let mut unmet = Vec::new();
        for (result, time, rows) in [
            ("ConditionResult", "ConditionTimestampMonotonic", "Conditions"),
            ("AssertResult", "AssertTimestampMonotonic", "Asserts"),
        ] {
            let met: bool = self.optional(path, UNIT, result).await?;
            let looked: u64 = self.optional(path, UNIT, time).await?;
            if met || looked == 0 {
                continue;
            }
            let rows: Vec<ConditionRow> = self.optional(path, UNIT, rows).await?;
            let before = unmet.len();
            unmet.extend(rows.iter().filter(|row| row.4 < 0).map(spelt));
            if unmet.len() == before {
                unmet.push(format!("{result} of the unit"));
            }
        }
        Ok(unmet)
    }
}

/// As it stands in a unit's file: `ConditionPathExists=!/run/x`.
fn spelt((kind, trigger, negate, parameter, _): &ConditionRow) -> String {
    let (trigger, negate) = (if *trigger { "|" } else { "" }, if *negate { "!" } else { "" });
    format!("{kind}={trigger}{negate}{parameter}")
}

/// What the unit at `path` is after at most `time`; earlier where nothing more is to be expected.
pub(super) async fn look(calls: &Calls<'_>, path: &str, time: Duration) -> Result<After, SystemdError> {
    let until = Instant::now() + time;
    let Ok(mut changes) = listen(calls, path).await else { return calls.after(path).await };
    loop {
        let after = calls.after(path).await?;
        if !after.may_change() {
            return Ok(after);
        }
        let change = poll_fn(|context| Pin::new(&mut changes).poll_next(context));
        match timeout_at(until, change).await {
            Ok(Some(_)) => {}
            Ok(None) => return Err(SystemdError::Unreachable("the connection ended".into())),
            Err(_) => return calls.after(path).await,
        }
    }
}

/// systemd tells changes only to those who asked for them; that ends with the connection.
async fn listen(calls: &Calls<'_>, path: &str) -> Result<MessageStream, SystemdError> {
    let failed = |e: zbus::Error| SystemdError::of_call(calls.unit, &e);
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .interface("org.freedesktop.DBus.Properties")
        .member("PropertiesChanged")
        .path(path)
        .sender(job::owner(calls).await?);
    let rule = rule.build().map_err(failed)?;
    let stream = MessageStream::for_match_rule(rule, calls.connection, QUEUED).await.map_err(failed)?;
    calls.manager("Subscribe", &()).await?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(active: &str, sub: &str, service_type: &str, result: &str) -> After {
        After {
            active: active.into(),
            sub: sub.into(),
            service_type: service_type.into(),
            last_run: LastRun { result: result.into(), code: 1, status: 1, restarts: 0 },
            ..After::default()
        }
    }

    #[test]
    fn only_a_unit_that_is_up_or_ran_to_its_end_was_started() {
        for (state, done) in [
            (after("active", "running", "simple", "success"), true),
            (after("active", "exited", "oneshot", "success"), true),
            (after("active", "listening", "", "success"), true),
            (after("inactive", "dead", "oneshot", "success"), true),
            (after("inactive", "dead", "simple", "success"), false),
            (after("inactive", "dead", "oneshot", "exec-condition"), false),
            (after("inactive", "dead", "", ""), false),
            (after("failed", "failed", "simple", "exit-code"), false),
            (after("activating", "auto-restart", "simple", "exit-code"), false),
            (after("activating", "auto-restart", "simple", "success"), false),
            (after("deactivating", "stop-sigterm", "simple", "success"), false),
        ] {
            assert_eq!(state.of_start(0).is_ok(), done, "{state:?}");
        }
    }

    #[test]
    fn a_condition_that_is_not_met_is_named_and_a_one_shot_unit_is_no_exception() {
        let mut skipped = after("inactive", "dead", "oneshot", "success");
        skipped.unmet = vec![spelt(&("ConditionPathExists".into(), false, true, "/etc/x".into(), -1))];
        assert!(skipped.of_start(0).unwrap_err().contains("ConditionPathExists=!/etc/x"));
    }

    #[test]
    fn one_that_was_restarted_while_it_was_looked_at_was_not_started() {
        let mut up = after("active", "running", "simple", "success");
        up.last_run.restarts = 3;
        assert!(up.of_start(2).unwrap_err().contains("keeps restarting it"));
        assert!(up.of_start(3).unwrap().unwrap().contains("3 times"));
    }

    #[test]
    fn a_stop_names_what_starts_the_unit_again_and_is_none_where_that_happened() {
        let mut stopped = after("inactive", "dead", "simple", "success");
        assert_eq!(stopped.of_stop(), Ok(None));
        stopped.triggers = vec!["x.socket".into()];
        assert!(stopped.of_stop().unwrap().unwrap().contains("x.socket"));
        let up = After { triggers: stopped.triggers, ..after("active", "running", "simple", "success") };
        assert!(up.of_stop().unwrap_err().contains("x.socket"));
        assert!(after("active", "running", "simple", "success").of_stop().is_err());
        assert!(after("failed", "failed", "simple", "timeout").of_stop().unwrap().is_some());
    }
}
