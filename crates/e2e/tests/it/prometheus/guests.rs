//! Machines of a host in simulated time, made of golden lines: one is well, the others have each trouble that there is an
//! alert for.

use infiniservice_hub_core::fleet::Fleet;
use infiniservice_hub_core::machine::{Machine, Write};
use infiniservice_hub_core::request;
use infiniservice_hub_core::router::Client;
use infiniservice_protocol::HostMessage;
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::timestamp::rfc3339_millis;
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};

const METRICS: &str = include_str!("../../../../protocol/golden/system_metrics.jsonl");
/// Simulated time between two scrapes.
const STEP: Duration = Duration::from_secs(5);
/// Machines whose agents speak.
const SPEAKING: [&str; 6] = ["well", "ill", "filling", "busy-1", "busy-2", "windows"];

/// All of them.
pub struct Guests {
    pub fleet: Fleet,
    now: Now,
    steps: u64,
}

impl Guests {
    /// They were started some minutes ago; of one nothing is heard since, of another nothing ever.
    pub fn new() -> Self {
        let now = Now { mono: Duration::ZERO, wall: UNIX_EPOCH + Duration::from_secs(1_795_415_400) };
        let mut guests = Self { fleet: Fleet::default(), now, steps: 0 };
        for name in SPEAKING.into_iter().chain(["silent", "never"]) {
            guests.fleet.claim(now, name, &format!("/run/{name}")).expect("free");
            guests.fleet.with(now, name, |machine| (machine.connected(now), vec![]));
        }
        guests.line("silent", &metrics(now, 0).to_string());
        for name in SPEAKING {
            guests.line(name, &hello(if name == "windows" { "windows" } else { "linux" }));
        }
        guests.pass(Duration::from_secs(600));
        guests.ask(100);
        guests
    }

    /// The time.
    pub fn now(&self) -> Now {
        self.now
    }

    /// Lets some seconds pass, in which every agent that speaks measures once.
    pub fn step(&mut self) {
        self.steps += 1;
        self.pass(STEP);
        let (steps, now) = (self.steps, self.now);
        for name in SPEAKING {
            let mut line = metrics(now, steps);
            match name {
                "ill" => sicken(&mut line, now, steps),
                "filling" => fill(&mut line, steps),
                "windows" => line["data"]["system"]["load_average"] = Value::Null,
                _ => {}
            }
            self.line(name, &line.to_string());
        }
        for noise in 0..20 {
            self.line("ill", &format!("noise {noise}"));
        }
        for code in ["true", r#"false,"error_code":"BUSY""#, r#"false,"error_code":"BUSY""#] {
            self.line("well", &answer("ServiceControl", code));
        }
        self.line("well", &answer("ServiceList", "true"));
        // Another socket wants this one's name.
        assert!(self.fleet.claim(now, "well", "/run/other").is_err());
    }

    /// Time passes, and agents answer pings.
    fn pass(&mut self, time: Duration) {
        self.now = Now { mono: self.now.mono + time, wall: self.now.wall + time };
        for (name, writes, _) in self.fleet.tick(self.now) {
            for write in writes {
                if let Write::Message(HostMessage::KeepAliveRequest { sequence_number }) = write {
                    self.line(
                        &name,
                        &format!(r#"{{"type":"keep_alive","sequence_number":{sequence_number}}}"#),
                    );
                }
            }
        }
    }

    fn line(&mut self, name: &str, line: &str) {
        let now = self.now;
        self.fleet.with(now, name, |machine| {
            machine.spoke(now);
            machine.line(now, line);
            ((), vec![])
        });
    }

    /// Two machines are given more commands than they answer.
    fn ask(&mut self, commands: usize) {
        let now = self.now;
        for (name, n) in (0..commands).flat_map(|n| [("busy-1", n), ("busy-2", n)]) {
            let line = format!(
                r#"{{"type":"SafeCommand","id":"{n}","command_type":{{"action":"ServiceList"}},"timeout":3600}}"#
            );
            let request = request::read(&line);
            let offer = |machine: &mut Machine| machine.offer(now, Client(1), Ok(()), line, request);
            self.fleet.with(now, name, |machine| (offer(machine), vec![]));
        }
    }
}

fn hello(platform: &str) -> String {
    json!({
        "type": "hello", "agent_version": "0.1.0", "protocol_version": 1, "platform": platform, "os": "x",
        "capabilities": [], "limits": {}, "instance": "a",
    })
    .to_string()
}

fn answer(action: &str, success: &str) -> String {
    format!(r#"{{"type":"response","id":"x","command_type":"{action}","success":{success}}}"#)
}

/// The golden line at this moment: what counts goes on.
fn metrics(now: Now, steps: u64) -> Value {
    let golden = METRICS.lines().next().expect("a line");
    let mut line: Value = serde_json::from_str(golden).expect("JSON");
    line["timestamp"] = rfc3339_millis(now.wall).into();
    line["collection"]["failed"] = json!([]);
    let system = &mut line["data"]["system"];
    add(&mut system["cpu"]["seconds"]["idle"], steps as f64 * 9.0);
    add(&mut system["cpu"]["seconds"]["user"], steps as f64);
    for field in ["bytes_received", "bytes_sent", "packets_received", "packets_sent"] {
        count(&mut system["network"]["interfaces"][0][field], steps * 1000);
    }
    for field in ["reads", "read_bytes", "writes", "write_bytes", "busy_ms"] {
        count(&mut system["disk"]["devices"][0][field], steps * 1000);
    }
    line
}

/// Everything that a machine can have.
fn sicken(line: &mut Value, now: Now, steps: u64) {
    line["timestamp"] = rfc3339_millis(now.wall - Duration::from_secs(3600)).into();
    line["collection"]["failed"] = json!([{ "collector": "disk", "error": "/mnt/nfs: no answer in 2 s" }]);
    line["data"]["services"][0]["state"] = "failed".into();
    let system = &mut line["data"]["system"];
    add(&mut system["cpu"]["seconds"]["steal"], steps as f64 * 10.0);
    system["memory"]["available_kb"] = json!(20_000);
    count(&mut system["memory"]["oom_kills"], steps);
    let disk = &mut system["disk"]["usage_stats"][0];
    disk["available_gb"] = json!(0.1);
    disk["used_gb"] = json!(8.2);
    disk["inodes_used"] = json!(520_000);
    let interface = system["network"]["interfaces"][0].clone();
    system["network"]["interfaces"] = (0..20).map(|n| with_name(&interface, &format!("eth{n}"))).collect();
}

fn fill(line: &mut Value, steps: u64) {
    let disk = &mut line["data"]["system"]["disk"]["usage_stats"][0];
    let left = (2.5 - steps as f64 * 0.001).max(1.0);
    disk["available_gb"] = json!(left);
    disk["used_gb"] = json!(8.3 - left);
}

fn with_name(interface: &Value, name: &str) -> Value {
    let mut interface = interface.clone();
    interface["name"] = name.into();
    interface
}

fn add(value: &mut Value, more: f64) {
    *value = json!(value.as_f64().expect("a number") + more);
}

fn count(value: &mut Value, more: u64) {
    *value = json!(value.as_u64().expect("a number") + more);
}
