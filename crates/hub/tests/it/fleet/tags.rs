//! Orders for machines that have a tag: by the word of each host for its own machines, and by that of guests.

use super::support::Fleet;
use crate::support::quick;
use infiniservice_fleet::{VmPresence, subject};
use infiniservice_hub_core::Which;
use infiniservice_hub_core::selector::{Found, TAG};
use infiniservice_hub_sim::Options;
use infiniservice_protocol::tags::Tags;
use serde_json::json;

/// The machines that a selector of tags means by what the fleet knows, as `infinictl fleet list` reads it.
async fn known(fleet: &Fleet, selector: &str) -> Option<Vec<String>> {
    let which = Which::parse(selector).unwrap();
    let mut vms = fleet.engine().await.watch(subject::VMS, ">").await.ok()?;
    let mut meant = Vec::new();
    for _ in 0..vms.there() {
        let vm: VmPresence = serde_json::from_slice(&vms.next().await.ok()?.value?).ok()?;
        let tag = |key: &str| vm.tags.get(key.strip_prefix(TAG)?).map(String::as_str);
        if which.means(&vm.vm, &|key| Found::text(tag(key).unwrap_or_default())) {
            meant.push(vm.vm);
        }
    }
    meant.sort();
    Some(meant)
}

async fn reload(fleet: &Fleet, host: usize) {
    fleet.hosts[host].api().post("/v1/reload", &json!({})).await.unwrap();
}

#[tokio::test]
async fn an_order_means_machines_by_their_tags_and_rules_know_only_those_of_the_host() {
    let mut fleet = Fleet::new(2, 2).await;
    let tags = Tags::parse(["role=db"]).unwrap();
    let own = fleet.hosts[1].guest("own", Options { tags, ..quick() });
    fleet.guests[1].push(own);
    for (host, vm) in ["vm-1-1", "vm-2-2"].into_iter().enumerate() {
        fleet.hosts[host].configure(&format!("[[tags]]\nvms = \"{vm}\"\nset = {{ role = \"db\" }}\n"));
        reload(&fleet, host).await;
    }
    let all = ["own", "vm-1-1", "vm-2-2"];
    let all_known = async || known(&fleet, "tag.role=db").await.filter(|vms| *vms == all);
    fleet.until("the fleet knows the tags", all_known).await;
    let order = fleet.alice.order("o", "tag.role=db", &json!({"waves": ["canary:1", "rest"]}));
    fleet.submit(&fleet.alice.sign(&order), "o").await;
    let counts = fleet.finished("o").await.counts;
    assert_eq!((counts.answered, counts.sum()), (3, 3), "{}", fleet.logs());
    assert_eq!(fleet.carried_out(), [1, 0, 0, 1, 1]);

    let path = fleet.hosts[1].path("config.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("vms = \"all\"", "vms = \"tag.role=db\"")).unwrap();
    reload(&fleet, 1).await;
    for (id, vm) in [("by-guest", "own"), ("by-host", "vm-2-2")] {
        fleet.submit(&fleet.alice.sign(&fleet.alice.order(id, vm, &json!({}))), id).await;
    }
    assert_eq!(fleet.finished("by-guest").await.counts.refused, 1, "{}", fleet.logs());
    assert_eq!(fleet.finished("by-host").await.counts.answered, 1, "{}", fleet.logs());
    assert_eq!(fleet.carried_out(), [1, 0, 0, 2, 1]);
}
