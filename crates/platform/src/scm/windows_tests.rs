//! The real service control manager, as Windows or Wine has it.

use super::control::{Manager, Operation};
use super::manager::ServiceManager;
use super::state::StartType;
use infiniservice_protocol::ServiceOperation;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One test talks to the manager at a time. Wine has a context handle belong to the connection's association, of which
/// a process gets two when its first connections begin at once; its handles are then refused now and then with
/// `RPC_X_SS_CONTEXT_MISMATCH`, which is `ERROR_INVALID_HANDLE` (6).
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn the_services_of_this_machine_are_listed_with_their_configuration() {
    let _alone = alone();
    let manager = ServiceManager::connect().unwrap();
    let mut services = manager.list().unwrap();
    assert!(services.len() > 3, "{services:?}");
    for service in &mut services {
        manager.configure(service);
    }
    let rpc = services.iter().find(|service| service.name.eq_ignore_ascii_case("RpcSs")).unwrap();
    let info = rpc.info();
    assert!(!info.display_name.is_empty() && info.startup_type != "unknown", "{info:?}");
    assert!(rpc.metric().exe_path.unwrap().to_ascii_lowercase().ends_with(".exe"), "{rpc:?}");
}

#[test]
fn a_real_service_is_stopped_started_and_told_with_its_pid() {
    let _alone = alone();
    let manager = ServiceManager::connect().unwrap();
    let run = |operation| {
        let pause = |time| {
            std::thread::sleep(time);
            true
        };
        let asked = Operation { manager: &manager, name: "Spooler", own: "InfiniService", pause: &pause };
        asked.run(operation).map(|(service, _)| service.info())
    };
    let status = |operation| run(operation).map(|info| (info.status, info.pid.is_some()));
    assert_eq!(status(ServiceOperation::Start), Ok(("running".into(), true)));
    assert_eq!(status(ServiceOperation::Restart), Ok(("running".into(), true)));
    assert_eq!(status(ServiceOperation::Stop), Ok(("stopped".into(), false)));
}

#[test]
fn the_start_type_of_a_real_service_is_changed_and_changed_back() {
    let _alone = alone();
    let manager = ServiceManager::connect().unwrap();
    let start_type = || manager.service("Schedule").unwrap().config.unwrap().start_type;
    let before = start_type();
    manager.set_start("Schedule", StartType::Disabled).unwrap();
    assert_eq!(start_type(), StartType::Disabled);
    manager.set_start("Schedule", before).unwrap();
    assert_eq!(start_type(), before);
}

#[test]
fn a_service_that_is_not_there_is_not_found() {
    let _alone = alone();
    let manager = ServiceManager::connect().unwrap();
    let error = manager.service("no-such-service").unwrap_err().to_string();
    assert!(error.contains("1060"), "{error}");
}
