//! Who asked for what, and what became of it: one record for each decision and each outcome.

use crate::job::{Job, Outcome};
use crate::policy::{Ask, CANCEL};
use crate::router::{Done, End};
use crate::trace::Place;
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::trace::TraceContext;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// The end of what was done.
const OK: &str = "ok";
/// The end of what only who asked can tell.
const SEALED: &str = "sealed";
/// What is told of a job's selector, in bytes.
const MAX_SELECTOR_BYTES: usize = 256;
/// What is told of a job's id that a client makes up, in bytes.
const MAX_JOB_BYTES: usize = 64;

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A command was asked for, and goes to its guest.
    Asked,
    /// A command was refused by the hub.
    Refused,
    /// Nothing more comes of a command: its code says how it ended.
    Finished,
    /// A job was started.
    JobStarted,
    /// A job, or its end, was refused.
    JobRefused,
    /// A job is to end.
    JobCancelled,
    /// All machines of a job have ended.
    JobFinished,
    /// A client whom no rule names.
    ClientRefused,
    /// The settings were to be read again.
    ReloadAsked,
    /// The settings are not read again for who asked.
    ReloadRefused,
}

impl What {
    /// Its name: `event_name` in OpenTelemetry.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "infini.command.asked",
            Self::Refused => "infini.command.refused",
            Self::Finished => "infini.command.finished",
            Self::JobStarted => "infini.job.started",
            Self::JobRefused => "infini.job.refused",
            Self::JobCancelled => "infini.job.cancelled",
            Self::JobFinished => "infini.job.finished",
            Self::ClientRefused => "infini.client.refused",
            Self::ReloadAsked => "infini.reload.asked",
            Self::ReloadRefused => "infini.reload.refused",
        }
    }
}

/// A record. What does not apply is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When, by the host's clock.
    pub at: SystemTime,
    /// What it is about.
    pub what: What,
    /// Who asked.
    pub by: String,
    /// The machine.
    pub vm: Option<Arc<str>>,
    /// The action's name, or the message's type.
    pub action: String,
    /// The command's id.
    pub id: String,
    /// The job's id.
    pub job: String,
    /// How it ended: `ok`, a code of the protocol, or `sealed` where only who asked can tell; of a job's machine its outcome where there is no code.
    pub code: String,
    /// Why it was refused.
    pub why: String,
    /// The rule by which it is allowed.
    pub rule: String,
    /// Of a job: how many machines, and which were asked for.
    pub machines: Option<(usize, String)>,
    /// Its place in a trace.
    pub place: Option<Place>,
}

impl Record {
    /// A decision about a command: it goes to its guest, or is refused for this reason.
    pub fn decided(
        now: Now,
        by: String,
        vm: &Arc<str>,
        (action, id): (&str, &str),
        refusal: Option<&str>,
    ) -> Self {
        let what = if refusal.is_some() { What::Refused } else { What::Asked };
        Self {
            vm: Some(Arc::clone(vm)),
            action: action.to_owned(),
            id: id.to_owned(),
            why: refusal.unwrap_or_default().to_owned(),
            ..Self::new(now.wall, what, by)
        }
    }

    /// The same, with the rule by which it is allowed.
    #[must_use]
    pub fn by_rule(self, rule: String) -> Self {
        Self { rule, ..self }
    }

    /// The same, of a command with a place in a trace.
    #[must_use]
    pub fn traced(self, context: Option<&TraceContext>) -> Self {
        Self { place: context.and_then(Place::of), ..self }
    }

    /// The end of a client's command.
    pub fn finished(now: Now, vm: &Arc<str>, done: &Done) -> Self {
        let sent = &done.sent;
        let code = if done.end == End::Sealed { SEALED } else { done.end.code().unwrap_or(OK) }.to_owned();
        let (action, id) = (sent.what.clone(), sent.id.clone());
        let of = Self::new(now.wall, What::Finished, sent.by.clone());
        Self { vm: Some(Arc::clone(vm)), action, id, code, ..of }.traced(sent.trace.as_ref())
    }

    /// A client whom no rule names, and how many more there were of whom nothing was told.
    pub fn stranger(now: Now, by: String, more: u64) -> Self {
        let others = if more == 0 { String::new() } else { format!(", nor {more} before it") };
        Self { why: format!("no rule names it{others}"), ..Self::new(now.wall, What::ClientRefused, by) }
    }

    /// A reload of the settings, by this right, or refused for this reason.
    pub fn reload(now: Now, by: String, permit: &Result<String, String>) -> Self {
        match permit {
            Ok(rule) => Self::new(now.wall, What::ReloadAsked, by).by_rule(rule.clone()),
            Err(why) => Self { why: why.clone(), ..Self::new(now.wall, What::ReloadRefused, by) },
        }
    }

    /// A job that is not started, for this reason.
    pub fn job_refused(now: Now, by: String, id: &str, ask: Ask<'_>, selector: &str) -> Self {
        let machines = Some((ask.vms.len(), cut(selector, MAX_SELECTOR_BYTES)));
        let (action, job) = (ask.changes.join(", "), id.to_owned());
        Self { action, job, machines, ..Self::new(now.wall, What::JobRefused, by) }
    }

    /// A job that goes on, as who asks may not end it, for this reason.
    pub fn cancel_refused(now: Now, by: String, id: &str, why: &str) -> Self {
        let (action, job) = (CANCEL.to_owned(), cut(id, MAX_JOB_BYTES));
        Self { action, job, why: why.to_owned(), ..Self::new(now.wall, What::JobRefused, by) }
    }

    /// Something about a whole job.
    pub fn of_job(now: Now, what: What, by: &str, job: &Job) -> Self {
        let machines = Some((job.targets().len(), cut(&job.accepted.selector, MAX_SELECTOR_BYTES)));
        let code = if what == What::JobFinished {
            format!("{} failed", job.counts().failures())
        } else {
            String::new()
        };
        Self { code, machines, ..Self::part_of(now, what, by, job) }
    }

    /// The end of one machine's part of a job.
    pub fn of_target(now: Now, job: &Job, n: usize) -> Option<Self> {
        let target = job.targets().get(n)?;
        let code = match target.outcome()? {
            Outcome::Answered => OK,
            outcome => target.code.as_deref().unwrap_or(outcome.name()),
        };
        let (vm, id) = (Some(target.name.as_str().into()), job.wire_id(n));
        Some(Self {
            vm,
            id,
            code: code.to_owned(),
            ..Self::part_of(now, What::Finished, &job.accepted.actor, job)
        })
    }

    fn part_of(now: Now, what: What, by: &str, job: &Job) -> Self {
        let place = Place::of_message(&job.accepted.message);
        let (action, id) = (job.what().to_owned(), job.id().to_owned());
        Self { action, job: id, place, ..Self::new(now.wall, what, by.to_owned()) }
    }

    const fn new(at: SystemTime, what: What, by: String) -> Self {
        Self {
            at,
            what,
            by,
            vm: None,
            action: String::new(),
            id: String::new(),
            job: String::new(),
            code: String::new(),
            why: String::new(),
            rule: String::new(),
            machines: None,
            place: None,
        }
    }

    /// Whether it tells of something that was refused or failed.
    pub fn is_failure(&self) -> bool {
        match self.what {
            What::Refused | What::JobRefused | What::ClientRefused | What::ReloadRefused => true,
            What::Finished => self.code != OK && self.code != SEALED,
            What::JobFinished => self.code != "0 failed",
            _ => false,
        }
    }

    /// What it holds, by its names in OpenTelemetry.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let machines = self.machines.as_ref();
        let fields = [
            ("infini.actor", Some(self.by.clone())),
            ("infini.vm", self.vm.as_ref().map(ToString::to_string)),
            ("infini.action", Some(self.action.clone())),
            ("infini.command.id", Some(self.id.clone())),
            ("infini.job.id", Some(self.job.clone())),
            ("infini.code", Some(self.code.clone())),
            ("infini.rule", Some(self.rule.clone())),
            ("infini.refusal", Some(self.why.clone())),
            ("infini.job.targets", machines.map(|(count, _)| count.to_string())),
            ("infini.job.selector", machines.map(|(_, selector)| selector.clone())),
        ];
        let there = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        there.filter(|(_, value)| !value.is_empty()).collect()
    }
}

fn cut(text: &str, bytes: usize) -> String {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or_default().to_owned()
}

/// In a sentence, for people.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { by, action, id, job, code, why, rule, .. } = self;
        let rule = if rule.is_empty() { String::new() } else { format!(", by {rule}") };
        let vm = self.vm.as_deref().unwrap_or_default();
        let (count, selector) =
            self.machines.as_ref().map_or((0, ""), |(count, selector)| (*count, selector));
        match self.what {
            What::Asked => write!(f, "{by} asks for {action} on {vm}, id {id}{rule}"),
            What::Refused => write!(f, "{by} is refused {action} on {vm}, id {id}: {why}"),
            What::Finished => write!(f, "{action} on {vm}, id {id}, asked for by {by}, ended: {code}"),
            What::JobStarted => {
                write!(f, "{by} starts the job {job}: {action} on {count} machines ({selector}){rule}")
            }
            What::JobRefused if self.machines.is_some() => {
                write!(f, "{by} is refused the job {job}: {action} on {count} machines ({selector}): {why}")
            }
            What::JobRefused => write!(f, "{by} is refused to end the job {job:?}: {why}"),
            What::ClientRefused => write!(f, "{by} is refused: {why}"),
            What::ReloadAsked => write!(f, "{by} asks for a reload of the settings{rule}"),
            What::ReloadRefused => write!(f, "{by} is refused a reload of the settings: {why}"),
            What::JobCancelled => write!(f, "{by} cancels the job {job:.64?}{rule}"),
            What::JobFinished => {
                write!(f, "the job {job} of {by} ended: {action} on {count} machines, {code}")
            }
        }
    }
}
