//! What the tasks of a hub in its fleet share.

use super::super::hub::Hub;
use super::told::Told;
use infiniservice_engine::Engine;
use infiniservice_hub_core::own;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// Orders that were cancelled which are remembered: one of them begins nothing any more.
const MAX_CANCELLED: usize = 1024;

/// A hub's place in its fleet.
pub(super) struct Place {
    pub(super) hub: Rc<Hub>,
    /// The hub's name.
    pub(super) name: String,
    pub(super) engine: Engine,
    /// Which results the engine has.
    pub(super) told: RefCell<Told>,
    /// Orders that were cancelled, and by whom.
    cancelled: RefCell<VecDeque<(String, String)>>,
}

impl Place {
    pub(super) fn new(hub: Rc<Hub>, name: String, engine: Engine) -> Rc<Self> {
        let told = RefCell::new(Told::open(&hub.settings.now().state_dir));
        Rc::new(Self { hub, name, engine, told, cancelled: RefCell::default() })
    }

    /// An order was cancelled.
    pub(super) fn cancel(&self, order: &str, operator: &str) {
        let mut cancelled = self.cancelled.borrow_mut();
        cancelled.push_back((order.to_owned(), operator.to_owned()));
        if cancelled.len() > MAX_CANCELLED {
            cancelled.pop_front();
        }
    }

    /// Who cancelled an order, as far as it is remembered.
    pub(super) fn cancelled_by(&self, order: &str) -> Vec<String> {
        let cancelled = self.cancelled.borrow();
        cancelled.iter().filter(|(id, _)| id == order).map(|(_, operator)| operator.clone()).collect()
    }
}

impl Hub {
    /// Notes something of the engine.
    pub(super) fn engine<T>(&self, note: impl FnOnce(&mut own::Engine) -> T) -> Option<T> {
        self.state.borrow_mut().fleet.own.engine.as_mut().map(note)
    }
}
