//! Which of the jobs are parts of a fleet's orders, and of which of them there is news for the fleet.
//!
//! A wave of the order `ID` is the job `ID.WAVE` of an operator's. No other job has such an actor.

use infiniservice_hub_core::job::Job;
use infiniservice_hub_core::ledger::Record;
use infiniservice_hub_core::policy::OPERATOR;
use std::collections::BTreeSet;
use std::rc::Rc;
use tokio::sync::Notify;

/// Jobs of which machines have ended since they were last told.
#[derive(Default)]
pub(super) struct Orders {
    changed: BTreeSet<String>,
    news: Rc<Notify>,
}

impl Orders {
    /// These were recorded.
    pub(super) fn note(&mut self, records: &[Record]) {
        for record in records {
            match record {
                Record::Ended { job, .. } | Record::Rest { job, .. } => self.look_at(job),
                Record::Accepted(accepted) if !accepted.absent.is_empty() => self.look_at(&accepted.id),
                Record::Added { job, absent, .. } if !absent.is_empty() => self.look_at(job),
                Record::Forgotten { job } => drop(self.changed.remove(job)),
                _ => {}
            }
        }
    }

    /// A job is to be told again.
    pub(super) fn look_at(&mut self, job: &str) {
        if parts(job).is_some() && self.changed.insert(job.to_owned()) {
            self.news.notify_one();
        }
    }

    /// The jobs of which there is news, which are taken away with this.
    pub(super) fn take(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.changed)
    }

    /// What tells that there is any.
    pub(super) fn news(&self) -> Rc<Notify> {
        Rc::clone(&self.news)
    }
}

/// The id of the job that is an order's part.
pub(super) fn id(order: &str, wave: u32) -> String {
    format!("{order}.{wave}")
}

/// Order and wave of a job's id.
fn parts(id: &str) -> Option<(&str, u32)> {
    let (order, wave) = id.rsplit_once('.')?;
    Some((order, wave.parse().ok()?))
}

/// The order that a job is a part of, and its wave.
pub(super) fn order_of(job: &Job) -> Option<(&str, u32)> {
    parts(job.id()).filter(|_| job.accepted.actor.starts_with(OPERATOR))
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_hub_core::job::Outcome;

    #[test]
    fn a_parts_id_says_what_it_is_a_part_of() {
        assert_eq!(parts(&id("o_1-x", 3)), Some(("o_1-x", 3)));
        for other in ["o", "o.x", "job-5f-00a", "o.2.x", "o."] {
            assert_eq!(parts(other), None, "{other}");
        }
    }

    #[test]
    fn what_ended_in_an_order_is_news_once() {
        let mut orders = Orders::default();
        let (text, at) = (String::new(), 1);
        let rest = |job: &str| Record::Rest {
            job: job.to_owned(),
            outcome: Outcome::Skipped,
            text: text.clone(),
            at,
        };
        orders.note(&[rest("o.0"), rest("o.0"), rest("local"), rest("o.1")]);
        orders.note(&[Record::Forgotten { job: "o.1".into() }]);
        assert_eq!(orders.take().into_iter().collect::<Vec<_>>(), ["o.0"]);
        assert!(orders.take().is_empty());
    }
}
