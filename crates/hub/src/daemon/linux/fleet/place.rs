//! What the tasks of a hub in its fleet share.

use super::super::hub::Hub;
use infiniservice_engine::Engine;
use infiniservice_fleet::orders::HubOrders;
use infiniservice_hub_core::own;
use std::cell::RefCell;
use std::rc::Rc;

/// A hub's place in its fleet.
pub(super) struct Place {
    pub(super) hub: Rc<Hub>,
    /// The hub's name.
    pub(super) name: String,
    pub(super) engine: Engine,
    /// What is remembered of orders beside the ledger.
    pub(super) orders: RefCell<HubOrders>,
}

impl Place {
    pub(super) fn new(hub: Rc<Hub>, name: String, engine: Engine) -> Self {
        let orders = RefCell::new(HubOrders::new(&name));
        Self { hub, name, engine, orders }
    }
}

impl Hub {
    /// Notes something of the engine.
    pub(super) fn engine<T>(&self, note: impl FnOnce(&mut own::Engine) -> T) -> Option<T> {
        self.state.borrow_mut().fleet.own.engine.as_mut().map(note)
    }
}
