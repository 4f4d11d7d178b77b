//! Jobs that grow: the order of a fleet gives a host its machines wave by wave, and each of them once.

use super::super::MAX_TARGETS;
use super::super::message;
use super::super::spec::check_targets;
use super::super::wrong::wrong;
use super::{Actor, Job, NotTaken, Planner, Presence, View};
use crate::ledger::Record;
use crate::policy::Ask;
use infiniservice_protocol::clock::Now;

impl Planner {
    /// Gives a job more machines. Those that it has already are none; all of them may begin at one time.
    ///
    /// # Errors
    /// Where they are not taken.
    pub fn extend(
        &mut self,
        now: Now,
        id: &str,
        actor: Actor<'_>,
        mut targets: Vec<String>,
        view: &impl View,
    ) -> Result<&Job, NotTaken> {
        let job = self.jobs.get(id).filter(|job| job.accepted.actor == actor.name).ok_or(NotTaken::Exists)?;
        targets.retain(|name| job.place(name).is_none());
        if targets.is_empty() {
            return self.known(id);
        }
        if let Some(reason) = &self.closed {
            return Err(NotTaken::Unavailable(reason.clone()));
        }
        check_targets(&targets).map_err(NotTaken::Wrong)?;
        let vms = [job.accepted.targets.as_slice(), &targets].concat();
        if vms.len() > MAX_TARGETS {
            let error = format!("the job would have {} machines; one has at most {MAX_TARGETS}", vms.len());
            return Err(NotTaken::Wrong(wrong("vms", error)));
        }
        if job.accepted.change {
            let changes =
                message::check(job.accepted.message.clone(), None).map_err(NotTaken::Wrong)?.changes;
            (actor.may)(Ask { changes: &changes, vms: &vms }).map_err(NotTaken::NotAllowed)?;
        }
        self.check_room(now, targets.len(), 0)?;
        let absent = targets.iter().zip(0..).filter(|(name, _)| view.presence(name) == Presence::Absent);
        let absent = absent.map(|(_, n)| n).collect();
        let (job, at) = (id.to_owned(), now.wall_ms());
        self.put(now, Record::Added { job, targets, absent, at });
        self.known(id)
    }
}
