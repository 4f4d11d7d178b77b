//! What a receiver of OTLP gets from the hub, and what the hub does with one that does not do its part.

mod faults;
pub mod receiver;
mod tls;

use crate::support::{Host, quick};
use receiver::{Receiver, attribute};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A host with these settings of `[otlp]` beside the address.
fn configured(endpoint: &str, more: &str) -> Host {
    let host = Host::new();
    let path = host.path("config.toml");
    let mut config = std::fs::read_to_string(&path).unwrap();
    write!(config, "[otlp]\nendpoint = \"{endpoint}\"\ninterval_secs = 1\n{more}").unwrap();
    std::fs::write(path, config).unwrap();
    host
}

/// The same, with a hub and guests that it knows.
async fn started(endpoint: &str, more: &str, guests: &[&str]) -> Host {
    let mut host = configured(endpoint, more);
    let guests: Vec<_> = guests.iter().map(|name| host.guest(name, quick())).collect();
    host.start().await;
    for guest in guests {
        host.event("connected", guest.name()).await;
    }
    host
}

#[tokio::test]
async fn figures_events_and_the_audit_reach_the_receiver_with_its_headers() {
    let receiver = Receiver::start(&[]).await;
    let mut host = configured(&format!("http://{}/", receiver.address), "");
    let headers = host.path("headers");
    std::fs::write(&headers, "Authorization: Bearer secret\n").unwrap();
    std::fs::set_permissions(&headers, std::fs::Permissions::from_mode(0o600)).unwrap();
    let path = host.path("config.toml");
    let config = std::fs::read_to_string(&path).unwrap() + &format!("headers_file = {headers:?}\n");
    std::fs::write(&path, config).unwrap();
    let _guests = ["db", "web"].map(|name| host.guest(name, quick()));
    host.start().await;
    receiver
        .until("figures of both machines and of the hub", |it| {
            let has = |vm: &str, name: &str| it.metrics.iter().any(|(of, metric)| of == vm && metric == name);
            has("db", "system.memory.limit")
                && has("web", "system.network.io")
                && has("", "infini.hub.vm.count")
        })
        .await;
    let restart = json!({"type": "SafeCommand", "id": "r-1",
        "command_type": {"action": "ServiceControl", "service": "nginx", "operation": "restart"}});
    host.api().post("/v1/vms/web/commands", &restart).await.unwrap();
    receiver
        .until("events and the audit", |it| {
            let names: Vec<_> = it.logs.iter().map(|(vm, log)| (&**vm, &*log.event_name)).collect();
            ["db", "web"].iter().all(|vm| names.contains(&(vm, "infini.vm.connected")))
                && names.contains(&("", "infini.command.finished"))
        })
        .await;
    let came = receiver.received();
    let (_, finished) = came.logs.iter().find(|(_, it)| it.event_name == "infini.command.finished").unwrap();
    let told = |name| attribute(&finished.attributes, name);
    assert_eq!(
        (told("infini.command.id").as_deref(), told("infini.code").as_deref()),
        (Some("r-1"), Some("ok"))
    );
    assert_eq!(
        (told("infini.vm").as_deref(), told("infini.action").as_deref()),
        (Some("web"), Some("ServiceControl"))
    );
    for (path, headers) in &came.requests {
        let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!(header("authorization"), Some("Bearer secret"), "{path}");
        assert_eq!(
            (header("content-type"), header("content-encoding")),
            (Some("application/x-protobuf"), Some("gzip"))
        );
    }
    assert!(!host.log().contains("secret"), "{}", host.log());
}

#[tokio::test]
async fn a_job_over_three_machines_is_one_trace_from_who_asks_to_the_programs_in_the_guests() {
    let receiver = Receiver::start(&[]).await;
    let vms = ["a", "b", "c"];
    let host = started(&format!("http://{}", receiver.address), "signals = [\"traces\"]\n", &vms).await;
    let message = json!({"type": "SafeCommand", "traceparent": PARENT, "tracestate": "v=1",
        "command_type": {"action": "ServiceControl", "service": "nginx", "operation": "restart"}});
    host.api().post("/v1/jobs", &json!({"vms": "all", "message": message})).await.unwrap();
    let of_each = 4;
    receiver.until("all spans", |it| it.spans.len() > vms.len() * of_each).await;
    let came = receiver.received();
    let by_id: BTreeMap<_, _> = came.spans.iter().map(|(_, span)| (&span.span_id, span)).collect();
    assert_eq!((came.spans.len(), by_id.len()), (1 + vms.len() * of_each, came.spans.len()));
    for (vm, span) in &came.spans {
        assert_eq!(span.trace_id, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes(), "{span:?}");
        assert_eq!(span.trace_state, "v=1");
        let above = by_id.get(&span.parent_span_id);
        let expected = match (&*span.name, above.map(|above| &*above.name)) {
            ("job ServiceControl", None) => span.parent_span_id == 0xb7ad_6b71_6920_3331_u64.to_be_bytes(),
            ("command ServiceControl", Some("job ServiceControl")) => vm.is_empty(),
            ("execute ServiceControl", Some("command ServiceControl"))
            | ("queue" | "program", Some("execute ServiceControl")) => vms.contains(&&**vm),
            _ => false,
        };
        assert!(expected, "{vm} {span:?} below {above:?}");
        if let Some(above) = above {
            let is_within = above.start_time_unix_nano <= span.start_time_unix_nano
                && span.end_time_unix_nano <= above.end_time_unix_nano;
            assert!(is_within, "{span:?} outside {above:?}");
        }
    }
    assert!(came.metrics.is_empty() && came.logs.is_empty(), "only traces are to be sent");
}
