//! One trace of an order: operator, coordinator, hubs, guests, and what ran in them.

use super::support::{Fleet, Setup};
use crate::otlp::receiver::{Receiver, attribute};
use crate::support::quick;
use infiniservice_lab::NatsServer;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;
use std::collections::BTreeMap;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OPERATOR: u64 = 0xb7ad_6b71_6920_3331;
/// Machines in all.
const MACHINES: usize = 4;

/// Whether a span may be below that one.
fn belongs(span: &Span, above: Option<&Span>) -> bool {
    match (&*span.name, above.map(|above| &*above.name)) {
        ("order ServiceControl", None) => span.parent_span_id == OPERATOR.to_be_bytes(),
        ("job ServiceControl", Some("order ServiceControl"))
        | ("command ServiceControl", Some("job ServiceControl"))
        | ("execute ServiceControl", Some("command ServiceControl"))
        | ("queue" | "program", Some("execute ServiceControl")) => true,
        _ => false,
    }
}

#[tokio::test]
async fn an_order_is_one_trace_from_the_operator_over_coordinator_and_hubs_to_the_programs() {
    let receiver = Receiver::start(&[]).await;
    let more = format!(
        "[otlp]\nendpoint = \"http://{}\"\ninterval_secs = 1\nsignals = [\"traces\"]\n",
        receiver.address
    );
    let setup = Setup { more: &more, size: (2, MACHINES / 2), options: quick(), ..Setup::default() };
    let fleet = Fleet::set_up(NatsServer::start().unwrap(), setup).await;
    let message = json!({"type": "SafeCommand", "traceparent": PARENT, "command_type":
        {"action": "ServiceControl", "service": "nginx", "operation": "restart"}});
    let order = fleet.alice.order("o", "all", &json!({"message": message, "waves": ["canary:1", "rest"]}));
    fleet.submit(&fleet.alice.sign(&order), "o").await;
    assert_eq!(fleet.finished("o").await.counts.answered as usize, MACHINES, "{}", fleet.logs());
    // The canary's hub has two jobs, the other one has one.
    let of = |name: &str, spans: &[(String, Span)]| spans.iter().filter(|(_, it)| it.name == name).count();
    receiver
        .until("all spans", |it| {
            let count = |name| of(name, &it.spans);
            count("order ServiceControl") == 1
                && count("job ServiceControl") == 3
                && count("program") == MACHINES
        })
        .await;
    let came = receiver.received();
    let by_id: BTreeMap<_, _> = came.spans.iter().map(|(_, span)| (&span.span_id, span)).collect();
    assert_eq!(by_id.len(), came.spans.len(), "each span came once");
    for (vm, span) in &came.spans {
        let above = by_id.get(&span.parent_span_id).copied();
        assert!(belongs(span, above), "{vm} {span:?} below {above:?}");
        let trace = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes();
        assert_eq!(span.trace_id, trace, "{span:?}");
    }
    let (_, root) = came.spans.iter().find(|(_, it)| it.name == "order ServiceControl").unwrap();
    let told = |name| attribute(&root.attributes, name).unwrap();
    assert_eq!((told("infini.actor").as_str(), told("infini.job.id").as_str()), ("operator:alice", "o"));
}
