//! The collector's figures beside those of the system's own tools, on the machine that runs the test.
//!
//! A tool that is not there is named, and its comparison left out.

use infiniservice_collector::{Collector, CollectorSettings};
use infiniservice_platform::clock::{Clock, SystemClock};
use infiniservice_protocol::metrics::{Data, Interface};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

fn collect() -> Data {
    let settings =
        CollectorSettings { max_processes: 100_000, max_ports: 100_000, ..CollectorSettings::default() };
    Collector::new(settings).collect(SystemClock::start().now()).0
}

/// What a tool prints, or `None` where it is not there.
fn tool(program: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(program).args(arguments).env("LC_ALL", "C.UTF-8").output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            println!("left out: {program}: {error}");
            None
        }
    }
}

fn close(own: f64, told: f64, tolerance: f64) -> bool {
    (own - told).abs() <= tolerance
}

#[test]
fn memory_is_what_free_tells() {
    let Some(text) = tool("free", &["-k"]) else { return };
    let memory = collect().system.memory;
    let row = |name: &str| -> Vec<f64> {
        let line = text.lines().find(|l| l.starts_with(name)).unwrap();
        line.split_whitespace().skip(1).map(|n| n.parse().unwrap()).collect()
    };
    let (mem, swap) = (row("Mem:"), row("Swap:"));
    assert!(close(memory.total_kb as f64, mem[0], 0.0));
    assert!(close(memory.available_kb as f64, mem[5], mem[0] / 20.0), "{memory:?} {mem:?}");
    assert!(close(memory.swap_total_kb as f64, swap[0], 0.0));
}

#[test]
fn pressure_is_what_the_kernel_counts() {
    let read = |file: &str| std::fs::read_to_string(Path::new("/proc/pressure").join(file)).ok();
    let total =
        |text: String| text.split_whitespace().nth(4).unwrap()["total=".len()..].parse::<u64>().unwrap();
    let before = ["cpu", "memory", "io"].map(|file| read(file).map(total));
    let pressure = collect().system.pressure.unwrap_or_default();
    let own = [pressure.cpu, pressure.memory, pressure.io].map(|stalls| stalls.map(|s| s.some.total_us));
    let after = ["cpu", "memory", "io"].map(|file| read(file).map(total));
    for ((before, own), after) in before.into_iter().zip(own).zip(after) {
        assert!(before <= own && own <= after, "{before:?} {own:?} {after:?}");
    }
}

#[test]
fn file_systems_are_those_of_df() {
    let Some(text) = tool("df", &["-B1", "--output=target,size,used,avail,itotal"]) else { return };
    let usages = collect().system.disk.usage_stats;
    assert!(!usages.is_empty());
    for usage in usages.iter().filter(|u| !u.mount_point.contains(' ')) {
        let row = text.lines().find(|l| l.split_whitespace().next() == Some(&usage.mount_point));
        let row: Vec<f64> =
            row.unwrap().split_whitespace().skip(1).map(|n| n.parse().unwrap_or_default()).collect();
        assert!(close(usage.total_gb, row[0] / 1e9, 0.001), "{usage:?} {row:?}");
        assert!(
            close(usage.used_gb, row[1] / 1e9, 1.0) && close(usage.available_gb, row[2] / 1e9, 1.0),
            "{usage:?}"
        );
        assert_eq!(usage.inodes_total.unwrap_or_default(), row[3] as u64);
    }
}

#[test]
fn processes_are_those_of_ps() {
    let Some(text) = tool("ps", &["-ww", "-eo", "pid=,ppid=,nlwp=,rss=,euid=,args="]) else { return };
    let own = collect().processes;
    let mut compared = 0;
    for line in text.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let number = |at: usize| words[at].parse::<u32>().unwrap();
        // One that ended or began in between is in one list only.
        let Some(process) = own.iter().find(|p| p.pid == number(0) && p.ppid == number(1)) else { continue };
        assert!(process.threads > 0 || process.status == "zombie");
        if process.pid == std::process::id() {
            continue;
        }
        if let (Some(args), true) = (&process.cmd_line, words.len() > 5) {
            let (a, b) = (args.split_whitespace().next().unwrap(), words[5]);
            compared += usize::from(a == b);
        }
    }
    let init = own.iter().find(|p| p.pid == 1).unwrap();
    assert!(init.user.is_some() && init.ppid == 0);
    assert!(compared > 0, "no process in common with ps");
}

#[test]
fn a_process_of_known_size_and_age_is_told_as_ps_tells_it() {
    let mut child = Command::new("sleep").arg("60").spawn().unwrap();
    let pid = child.id();
    let own = loop {
        // Between fork and exec the child is still this test, and until it sleeps its memory grows.
        let found = collect().processes.into_iter().find(|p| p.pid == pid && p.name == "sleep");
        if let Some(process) = found.filter(|p| p.cmd_line.is_some() && p.status == "sleeping") {
            break process;
        }
    };
    let told = tool("ps", &["-o", "ppid=,nlwp=,rss=,euser=,lstart=", "-p", &pid.to_string()]);
    child.kill().unwrap();
    child.wait().unwrap();
    let Some(told) = told else { return };
    let words: Vec<_> = told.split_whitespace().collect();
    assert_eq!((own.ppid.to_string(), own.threads.to_string()), (words[0].to_owned(), words[1].to_owned()));
    assert!(close(own.memory_kb as f64, words[2].parse().unwrap(), 1024.0), "{own:?} {told}");
    assert_eq!(own.user.as_deref(), Some(words[3]));
    assert_eq!(own.cmd_line.as_deref(), Some("sleep 60"));
    assert!(own.exe_path.is_some_and(|path| path.starts_with('/')));
    // lstart is local time to the second; compare the minutes' and seconds' distance.
    let seconds = |text: &str| {
        text.split(':')
            .skip(1)
            .map(|n| n.trim_end_matches('Z').parse::<i64>().unwrap())
            .fold(0, |s, n| s * 60 + n)
    };
    let apart = (seconds(&own.start_time) - seconds(words[7])).rem_euclid(3600);
    assert!(apart.min(3600 - apart) <= 2, "{} {told}", own.start_time);
}

#[test]
fn sockets_are_those_of_ss() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let udp = std::net::UdpSocket::bind("[::1]:0").ok();
    let Some(text) = tool("ss", &["-H", "-tuanp"]) else { return };
    let ports = collect().ports;
    let port = listener.local_addr().unwrap().port();
    let own = ports.iter().find(|p| p.port == port && p.is_listening).unwrap();
    assert_eq!((own.state.as_str(), own.connection_count, own.pid), ("LISTEN", 1, Some(std::process::id())));
    assert!(own.process_name.is_some() && own.exe_path.is_some());
    assert!(text.lines().any(|l| l.contains("LISTEN") && l.contains(&format!("127.0.0.1:{port} "))));
    assert!(ports.iter().any(|p| p.port == stream.local_addr().unwrap().port() && p.state == "ESTABLISHED"));
    if let Some(udp) = udp {
        let own =
            ports.iter().find(|p| p.protocol == "udp" && p.port == udp.local_addr().unwrap().port()).unwrap();
        assert_eq!((own.address.as_str(), own.state.as_str(), own.is_listening), ("::1", "UNCONN", true));
    }
    // Listeners that ss lists before and after are listed here too.
    let listening = |text: &str| -> BTreeSet<u16> {
        let lines = text.lines().filter(|l| l.contains("LISTEN"));
        lines.filter_map(|l| l.split_whitespace().nth(4)?.rsplit(':').next()?.parse().ok()).collect()
    };
    let after = listening(&tool("ss", &["-H", "-tuanp"]).unwrap());
    for port in listening(&text).intersection(&after) {
        assert!(ports.iter().any(|p| p.port == *port && p.is_listening), "{port} is missing");
    }
}

#[test]
fn interfaces_are_those_of_ip() {
    let Some(text) = tool("ip", &["-j", "-s", "addr"]) else { return };
    let told: Value = serde_json::from_str(&text).unwrap();
    let own = collect().system.network.interfaces;
    assert_eq!(own.len(), told.as_array().unwrap().len().min(128));
    for interface in &own {
        let found = told.as_array().unwrap().iter().find(|i| i["ifname"] == interface.name.as_str());
        compare_interface(interface, found.unwrap());
    }
    let Some(route) = tool("ip", &["-j", "route", "show", "default"]) else { return };
    let route: Value = serde_json::from_str(&route).unwrap_or_default();
    match route[0]["dev"].as_str() {
        Some(device) => assert_eq!(own[0].name, device),
        None => println!("left out: no default route here"),
    }
    assert!(own.last().is_none_or(|i| i.name == "lo"));
}

fn compare_interface(own: &Interface, told: &Value) {
    assert_eq!(u64::from(own.mtu), told["mtu"].as_u64().unwrap(), "{own:?}");
    if !own.mac_address.is_empty() {
        assert_eq!(own.mac_address, told["address"].as_str().unwrap());
    }
    let addresses = told["addr_info"].as_array().unwrap().iter().filter_map(|a| a["local"].as_str());
    let own_addresses: BTreeSet<_> = own.ip_addresses.iter().map(String::as_str).collect();
    assert_eq!(own_addresses, addresses.collect());
    let flag = |name: &str| told["flags"].as_array().unwrap().iter().any(|f| f == name);
    assert_eq!(own.is_up, flag("UP") && flag("LOWER_UP"), "{}", own.name);
    let rx = &told["stats64"]["rx"];
    assert!(own.bytes_received >= rx["bytes"].as_u64().unwrap());
    assert!(own.errors_in >= rx["errors"].as_u64().unwrap());
}

#[test]
fn uptime_load_and_cores_are_the_kernels() {
    let system = collect().system;
    let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
    let uptime: f64 = uptime.split_whitespace().next().unwrap().parse().unwrap();
    assert!(close(system.uptime_seconds as f64, uptime, 60.0));
    let online =
        std::fs::read_to_string("/proc/stat").unwrap().lines().filter(|l| l.starts_with("cpu")).count() - 1;
    assert_eq!(system.cpu.cores_usage.len(), online);
    assert!(system.load_average.is_some());
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(system.host.hostname, hostname.trim());
    assert!(system.host.boot_time.ends_with('Z') && !system.host.kernel_version.is_empty());
}
