//! The span of an order in its trace. Its coordinator makes it; the jobs of the order's hubs are below it.

use crate::message::{Order, Progress};
use crate::orders::{Local, actor};
use infiniservice_hub_core::job::{self, Job};
use infiniservice_hub_core::spans::{Kind, Span, failed, millis};
use infiniservice_hub_core::trace::Place;

/// The span of an order that has ended; `None` where nobody traces it. Whichever coordinator makes it, it is the same one.
///
/// It begins by the operator's clock and ends by the coordinator's; where the first is ahead it has no length.
pub fn of_order(order: &Order, last: &Progress) -> Option<Span> {
    let place = Place::of_message(&order.message).filter(|place| place.sampled)?;
    Some(Span {
        trace: place.trace,
        id: id(&place, &order.id),
        parent: place.parent,
        state: place.state.clone(),
        name: format!("order {}", job::what(&order.message)),
        kind: Kind::Server,
        from: millis(order.at_ms),
        to: millis(last.at_ms.max(order.at_ms)),
        vm: None,
        attributes: vec![
            ("infini.job.id", order.id.clone()),
            ("infini.job.targets", last.targets.to_string()),
            ("infini.job.waves", last.waves.to_string()),
            ("infini.actor", actor(&order.operator)),
            ("infini.coordinator", last.coordinator.clone()),
        ],
        failure: failed(last.counts).or_else(|| last.why.as_ref().map(|_| "nothing was done".to_owned())),
    })
}

/// The span above that of a hub's job, where the job is a part of an order.
pub fn above(job: &Job) -> Option<u64> {
    let place = Place::of_message(&job.accepted.message)?;
    Local::parse(job.id()).map(|local| id(&place, &local.order))
}

fn id(place: &Place, order: &str) -> u64 {
    place.span("order", order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at_ms;
    use infiniservice_hub_core::job::Counts;
    use serde_json::json;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn order(traceparent: &str) -> Order {
        let at = at_ms(0).wall_ms();
        let order = json!({"id": "j-1", "at_ms": at, "not_after_ms": at + 60_000, "vms": "all",
            "message": {"type": "SafeCommand", "traceparent": traceparent, "command_type":
                {"action": "ServiceControl", "service": "nginx", "operation": "restart"}},
            "max_concurrency": 10, "operator": "alice"});
        serde_json::from_value(order).unwrap()
    }

    fn ended(ms: u64, failed: u32) -> Progress {
        let progress = Progress::claim(at_ms(ms), "j-1", "h1/a", None);
        let counts = Counts { failed, ..Counts::default() };
        Progress { counts, targets: 3, waves: 2, ..progress }
    }

    #[test]
    fn an_order_s_span_is_below_the_operator_s_and_tells_who_did_it() {
        let span = of_order(&order(PARENT), &ended(1500, 0)).unwrap();
        assert_eq!((span.parent, &*span.name), (0xb7ad_6b71_6920_3331, "order ServiceControl"));
        assert_eq!((span.to - span.from, &span.failure), (1_500_000_000, &None));
        for told in
            [("infini.actor", "operator:alice"), ("infini.coordinator", "h1/a"), ("infini.job.targets", "3")]
        {
            assert!(span.attributes.iter().any(|(name, value)| (*name, &**value) == told), "{span:?}");
        }
        let again = of_order(&order(PARENT), &ended(1700, 0)).unwrap();
        assert_eq!(again.id, span.id, "another coordinator makes the same span");
    }

    #[test]
    fn what_nobody_traces_has_no_span_and_what_failed_says_so() {
        assert_eq!(of_order(&order(&PARENT.replace("-01", "-00")), &ended(1, 0)), None);
        assert_eq!(of_order(&order("x"), &ended(1, 0)), None);
        let failed = of_order(&order(PARENT), &ended(1, 2)).unwrap();
        assert_eq!(failed.failure.as_deref(), Some("2 machines failed"));
        let nothing = Progress { why: Some("no machine".into()), ..ended(1, 0) };
        assert_eq!(of_order(&order(PARENT), &nothing).unwrap().failure.as_deref(), Some("nothing was done"));
    }
}
