//! For tests: the facts of ordinary machines.

use super::facts::{Controller, Driver, Facts, Holder, PortFacts, PortState, ServiceFacts, UdevFacts};
use crate::transport::role::Role;

/// A machine without any virtio port.
pub fn bare() -> Facts {
    Facts { holders_complete: true, driver: Driver::NotLoaded, ..Facts::default() }
}

/// A machine in order, whose agent runs and whose host is connected.
pub fn in_order() -> Facts {
    let mut agent = port("vport0p1", "org.infinibay.agent", Role::Agent, PortState::HeldByAgent);
    agent.rank = Some(0);
    agent.holders = vec![Holder { pid: 812, name: "infiniservice".into(), is_agent: true }];
    Facts {
        ports: vec![agent],
        controllers: vec![Controller {
            bus: "virtio".into(),
            address: "virtio1".into(),
            driver: Some("virtio_console".into()),
        }],
        driver: Driver::Loaded,
        udev: UdevFacts { running: true, links: 1 },
        service: running(),
        holders_complete: true,
        ..Facts::default()
    }
}

pub fn running() -> ServiceFacts {
    ServiceFacts {
        unit: "infiniservice".into(),
        commands_in_cgroups: Some(true),
        manager: Some("systemd".into()),
        installed: true,
        active: Some("active".into()),
        sub_state: Some("running".into()),
        start_up: Some("enabled".into()),
        pid: Some(812),
        result: Some("success".into()),
    }
}

pub fn port(node: &str, name: &str, role: Role, state: PortState) -> PortFacts {
    PortFacts {
        node: format!("/dev/{node}").into(),
        link: Some(format!("/dev/virtio-ports/{name}").into()),
        name: Some(name.into()),
        role,
        rank: None,
        owner: Some("root:root".into()),
        mode: Some("0600".into()),
        state,
        holders: Vec::new(),
        host_connected: Some(true),
    }
}
