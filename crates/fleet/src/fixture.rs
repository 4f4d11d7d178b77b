//! An operator and his orders, for tests.

use crate::at_ms;
use crate::message::{Control, Order, What};
use crate::sign::{Keys, Opened, OperatorKey, Signed};
use serde_json::{Value, json};

pub fn key() -> OperatorKey {
    OperatorKey::generate([7; 32])
}

pub fn keys() -> Keys {
    Keys::new([("alice", key().public().to_text().as_str())]).unwrap()
}

/// A restart of nginx everywhere, for ten minutes, with these fields.
pub fn order(fields: &Value) -> Order {
    let at = at_ms(0).wall_ms();
    let mut order = json!({"id": "j", "at_ms": at, "not_after_ms": at + 600_000, "vms": "all",
        "message": {"type": "SafeCommand", "command_type":
            {"action": "ServiceControl", "service": "nginx", "operation": "restart"}},
        "max_concurrency": "100%", "operator": "alice"});
    order.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(order).unwrap()
}

pub fn opened(fields: &Value) -> Opened {
    keys().open_order(&Signed::order(&order(fields), &key()), at_ms(0)).unwrap()
}

pub fn control(number: u64, what: What) -> (Control, Signed) {
    let at_ms = at_ms(0).wall_ms();
    let control = Control { job: "j".into(), at_ms, number, what, operator: "alice".into() };
    let signed = Signed::control(&control, &key());
    (control, signed)
}
