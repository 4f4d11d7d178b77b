//! The native calls on a real Windows or Wine.

use super::Machine;
use crate::settings::CollectorSettings;
use std::net::TcpListener;

fn machine() -> Machine {
    Machine::new(&CollectorSettings::default())
}

#[test]
fn the_machine_has_memory_processors_a_name_and_an_uptime() {
    let mut machine = machine();
    let memory = machine.memory().unwrap();
    assert!(
        memory.total_kb > 500_000 && memory.used_kb + memory.available_kb == memory.total_kb,
        "{memory:?}"
    );
    let sample = machine.cpu().unwrap();
    assert_eq!(sample.cores.len(), std::thread::available_parallelism().unwrap().get());
    assert!(sample.boot_time > 1_700_000_000, "{sample:?}");
    assert!(machine.uptime().unwrap() > 0);
    assert!(!machine.hostname().unwrap().is_empty());
}

#[test]
fn this_very_process_is_in_the_list_with_its_program_arguments_and_user() {
    let mut machine = machine();
    let mut records = Vec::new();
    machine.scan(&mut records).unwrap();
    let own = records.iter().find(|record| record.pid == std::process::id()).unwrap();
    assert!(own.rss_pages > 100 && own.threads > 0, "{own:?}");
    let [details] = <[_; 1]>::try_from(machine.details(&[own])).unwrap();
    let exe = std::env::current_exe().unwrap().to_string_lossy().to_lowercase();
    assert_eq!(details.exe_path.unwrap().to_lowercase(), exe);
    assert!(exe.ends_with(&own.name.text().to_lowercase()) || own.name.text().len() == 31, "{own:?}");
    assert!(!machine.user_name(details.user_id.unwrap()).is_empty());
    let age = machine.uptime().unwrap().saturating_sub(own.started / Machine::ticks_per_second());
    assert!(age < 3600, "{age} s");
}

#[test]
fn a_socket_that_listens_is_listed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut sockets = Vec::new();
    machine().sockets(&mut sockets).unwrap();
    let own = sockets.iter().find(|socket| socket.port == port && socket.is_listening()).unwrap();
    assert_eq!(own.address.to_string(), "127.0.0.1");
    // Wine 8 does not know the owner.
    assert!(own.inode == std::process::id() || own.inode == 0, "{own:?}");
}

#[test]
fn the_system_drive_has_a_size_and_the_loopback_its_address() {
    let mut machine = machine();
    let usages = machine.disk_usage().unwrap();
    let system = usages.list.iter().find(|usage| usage.mount_point == "C:\\").unwrap();
    assert!(
        system.total_gb > 1.0 && system.used_gb + system.available_gb <= system.total_gb + 0.01,
        "{system:?}"
    );
    let (interfaces, total) = machine.interfaces().unwrap();
    assert!(total >= 1 && interfaces.len() == total, "{interfaces:?}");
    assert!(
        interfaces.iter().any(|one| one.ip_addresses.iter().any(|ip| ip == "127.0.0.1")),
        "{interfaces:?}"
    );
}
