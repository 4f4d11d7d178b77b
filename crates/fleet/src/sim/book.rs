//! What operators have ordered. Signatures are checked once, when it is written here: they are not what is simulated.

use crate::fixture::{key, keys};
use crate::message::{Control, Order, What};
use crate::sign::{Opened, Signed};
use infiniservice_protocol::clock::Now;
use std::collections::BTreeMap;

/// A job, as its operator knows it.
pub struct Ordered {
    pub opened: Opened,
    pub control: Option<Signed>,
    /// What the operator has been told of the end of it.
    pub finished: Option<crate::Progress>,
    /// For how long somebody could have ended it after its last moment, in milliseconds.
    pub overdue: u64,
    /// Coordinators that have had it.
    pub coordinators: u32,
    /// Whether a hub or what the engine knew was lost meanwhile.
    pub disturbed: bool,
    /// When it ended, in milliseconds.
    pub finished_at: u64,
}

#[derive(Default)]
pub struct Book {
    pub jobs: BTreeMap<String, Ordered>,
    by_body: BTreeMap<String, String>,
    controls: BTreeMap<String, Control>,
}

impl Book {
    pub fn add(&mut self, now: Now, order: &Order) {
        let signed = Signed::order(order, &key());
        let opened = keys().open_order(&signed, now).unwrap();
        self.by_body.insert(signed.body, order.id.clone());
        let ordered = Ordered {
            opened,
            control: None,
            finished: None,
            overdue: 0,
            coordinators: 0,
            disturbed: false,
            finished_at: 0,
        };
        self.jobs.insert(order.id.clone(), ordered);
    }

    pub fn say(&mut self, now: Now, job: &str, what: What) {
        let at_ms = now.wall_ms();
        let control = Control { job: job.to_owned(), at_ms, number: at_ms, what, operator: "alice".into() };
        let signed = Signed { key: "k".into(), body: crate::message::text(&control), signature: "s".into() };
        self.controls.insert(signed.body.clone(), control);
        if let Some(ordered) = self.jobs.get_mut(job) {
            ordered.control = Some(signed);
        }
    }

    pub fn order(&self, signed: &Signed) -> &Opened {
        &self.jobs[&self.by_body[&signed.body]].opened
    }

    pub fn control(&self, signed: &Signed) -> Control {
        self.controls[&signed.body].clone()
    }

    /// One hub's rules refuse some orders.
    pub fn is_refused(hub: &str, order: &str) -> bool {
        hub == "h2" && order.ends_with('7')
    }

    pub fn forget(&mut self, job: &str) {
        if let Some(ordered) = self.jobs.remove(job) {
            self.by_body.remove(&ordered.opened.signed.body);
            self.controls.retain(|_, control| control.job != job);
        }
    }
}
