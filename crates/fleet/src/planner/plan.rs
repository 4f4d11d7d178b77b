//! Making a job's plan: the hubs are asked, and who does not answer in time is written down as not heard.

use super::job::{At, Job};
use super::resolve::{AGAIN, unheard};
use super::{Effect, Turn, View};
use crate::message::Plan;
use std::collections::BTreeSet;

impl Job {
    pub(super) fn resolve(&mut self, turn: &mut Turn<'_>, hubs: &BTreeSet<String>, view: &impl View) {
        let now = turn.now.mono;
        let At::Resolving(resolving) = &mut self.at else { return };
        if resolving.made.is_none() {
            for hub in resolving.due(now, hubs) {
                let (job, order) = (self.opened.order.id.clone(), self.opened.signed.clone());
                turn.effects.push(Effect::Ask { job, hub, order });
            }
            if !resolving.is_complete(now, hubs) {
                return;
            }
            let silent = hubs.iter().cloned().chain(view.hubs_away());
            let silent: Vec<_> = silent.filter(|hub| !resolving.parts.contains_key(hub)).collect();
            for hub in silent {
                let vms = view.known(&self.opened.order, &hub);
                // A hub that is not there and has nothing that is meant is not missed.
                if !vms.is_empty() || hubs.contains(&hub) {
                    resolving.answered(unheard(&hub, vms));
                }
            }
        }
        if resolving.made.is_none_or(|made| now >= made + AGAIN) {
            resolving.made = Some(now);
            let plan = Plan {
                job: self.opened.order.id.clone(),
                hubs: resolving.parts.keys().cloned().collect(),
                at_ms: turn.now.wall_ms(),
                coordinator: turn.coordinator.to_owned(),
            };
            turn.effects.push(Effect::MakePlan { plan, parts: resolving.parts.values().cloned().collect() });
        }
    }
}
