//! The checks on a real Windows or Wine.

use crate::autochecks::{Asked, Machine, NotAsked, runner};
use crate::platform::ScmServices;
use infiniservice_exec::{Cancellation, system_runner};
use infiniservice_protocol::data::CheckStatus;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn every_check_is_made_or_says_why_it_is_not() {
    let machine = Machine {
        root: "/".into(),
        runner: system_runner(),
        services: Arc::new(ScmServices::default()),
        updates: Arc::new(NotAsked),
        asked: Asked::default(),
        cancellation: Cancellation::for_at_most(Duration::from_secs(120)),
        once: Arc::default(),
    };
    let data = runner::run(&super::ALL, &machine).await;
    assert_eq!(data.checks.len(), super::ALL.len());
    let of = |name: &str| data.checks.iter().find(|check| check.name == name).unwrap();
    for name in ["disk_space", "failed_services", "reboot_required", "memory", "cpu_load"] {
        assert_ne!(of(name).status, CheckStatus::Skipped, "{:?}", of(name));
    }
    for check in &data.checks {
        assert!(check.message.len() > 10, "{check:?}");
        eprintln!("{}: {:?}: {}", check.name, check.status, check.message);
    }
}
