//! A hub's own jobs of an order: their ids, and the results of their machines.

use crate::message::TargetResult;
use crate::sign::Opened;
use infiniservice_hub_core::job::{Job, Planner};
use infiniservice_hub_core::trace::Place;

/// Waves, by which one is added to those of an order where they do not mention all machines.
const MAX_WAVE: u32 = 99;

/// What the id of a hub's job of an order says: `ORDER.WAVE-PART`. An order's id has no `.`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// The order's id.
    pub order: String,
    /// The wave.
    pub wave: u32,
    /// Which of the wave's machines it has.
    pub part: Part,
}

/// Which of a wave's machines a job has: those that begin, and, by the reason, those that do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Those that begin.
    Begins = 0,
    /// The order was cancelled before.
    Cancelled = 1,
    /// The coordinator says that none begins any more.
    Closed = 2,
    /// The order does not mean them now.
    NotMeant = 3,
}

impl Part {
    const ALL: [Self; 4] = [Self::Begins, Self::Cancelled, Self::Closed, Self::NotMeant];

    /// Who cancels such a job at once.
    pub(super) fn cancelled_by(self, operator: &str) -> Option<String> {
        match self {
            Self::Begins => None,
            Self::Cancelled => Some(actor(operator)),
            Self::Closed => Some("the coordinator".to_owned()),
            Self::NotMeant => Some("the hub, whose machine the order does not mean now,".to_owned()),
        }
    }
}

impl Local {
    /// The job's id.
    pub fn id(&self) -> String {
        format!("{}.{}-{}", self.order, self.wave.min(MAX_WAVE), self.part as u8)
    }

    /// What an id says; `None` where it is another job's.
    pub fn parse(id: &str) -> Option<Self> {
        let (order, rest) = id.split_once('.')?;
        let (wave, part) = rest.split_once('-')?;
        let part = Part::ALL.into_iter().find(|it| part.parse() == Ok(*it as u8))?;
        let local = Self { order: order.to_owned(), wave: wave.parse().ok()?, part };
        (local.id() == id && !order.is_empty()).then_some(local)
    }
}

/// How the ledger and the rules name an operator.
pub fn actor(operator: &str) -> String {
    format!("operator:{operator}")
}

/// The hub's jobs of an order.
pub(super) fn of_order<'a>(jobs: &'a Planner, order: &str) -> Vec<(Local, &'a Job)> {
    let local = |job: &'a Job| Some((Local::parse(job.id()).filter(|local| local.order == order)?, job));
    jobs.jobs().filter_map(local).collect()
}

/// Whether a job is of this order, and not of another one with its id or of somebody on the host.
pub(super) fn is_of(job: &Job, opened: &Opened) -> bool {
    let mut message = opened.order.message.clone();
    if let Some(secs) = opened.order.timeout {
        message.insert("timeout".to_owned(), secs.into());
    }
    let accepted = &job.accepted;
    accepted.actor == actor(&opened.operator)
        && accepted.selector == opened.order.vms
        && accepted.message == message
}

/// How a machine of a job ended, if it has.
pub(super) fn result(hub: &str, job: &Job, n: usize) -> Option<TargetResult> {
    let local = Local::parse(job.id())?;
    let target = job.targets().get(n)?;
    let place = Place::of_message(&job.accepted.message);
    let traceparent = place.map(|place| place.traceparent(place.span("command", &job.wire_id(n))));
    Some(TargetResult {
        job: local.order,
        hub: hub.to_owned(),
        vm: target.name.clone(),
        outcome: target.outcome()?,
        code: target.code.clone(),
        text: target.text.clone(),
        result: target.result.clone(),
        started_at_ms: target.sent_at,
        ended_at_ms: target.ended_at.unwrap_or(job.accepted.at),
        wave: local.wave,
        traceparent,
        coordinator: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MAX_ORDER_ID_CHARS, MAX_WAVES};
    use infiniservice_hub_core::job::MAX_ID_CHARS;

    #[test]
    fn a_jobs_id_says_which_order_and_wave_it_is_of() {
        let local = Local { order: "j-1_a".into(), wave: 2, part: Part::Closed };
        assert_eq!(local.id(), "j-1_a.2-2");
        assert_eq!(Local::parse("j-1_a.2-2"), Some(local));
        for other in ["j", "j.1", "j.1-x", "j.01-1", "j.1-4", ".1-1", "j.1-1-1", "a.b.1-1", "job-1a-2b"] {
            assert_eq!(Local::parse(other), None, "{other}");
        }
        let longest = Local { order: "x".repeat(MAX_ORDER_ID_CHARS), wave: u32::MAX, part: Part::NotMeant };
        assert!(longest.id().len() <= MAX_ID_CHARS && MAX_WAVES < MAX_WAVE as usize);
    }
}
