//! A stand-in for the agent, for trying `infinictl --local --agent` and for its tests: it is started as the agent is,
//! and answers out of made-up metrics, with a little life in them.

#[path = "../tests/it/support/mod.rs"]
#[allow(dead_code, reason = "made for the tests")]
mod support;

use serde_json::{Value, json};
use std::error::Error;
use std::fs::File;
use std::sync::Mutex;
use support::answers;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let device = args.iter().skip_while(|arg| *arg != "--device").nth(1).ok_or("no --device")?;
    let port = File::options().read(true).write(true).open(device)?;
    let writer = port.try_clone()?;
    let mut count = 0_u64;
    let script = move |message: &Value| {
        count += 1;
        answers::proper(message).into_iter().map(|line| enliven(&line, count)).collect()
    };
    let mut script: support::Script = Box::new(script);
    let _host_gone = support::serve(port, writer, &answers::greeting(), &mut script, &Mutex::default());
    // As the agent, it waits for the host to come back, for ever.
    loop {
        std::thread::park();
    }
}

/// Figures that move, so that rates can be seen.
fn enliven(line: &str, count: u64) -> String {
    let Ok(mut message) = serde_json::from_str::<Value>(line) else { return line.to_owned() };
    if message["type"] == "system_metrics" {
        let wave = (count as f64 / 5.0).sin();
        message["timestamp"] =
            json!(humantime::format_rfc3339_millis(std::time::SystemTime::now()).to_string());
        let system = &mut message["data"]["system"];
        system["cpu"]["usage_percent"] = json!(34.2 + 20.0 * wave);
        system["cpu"]["cores_usage"][0] = json!(60.0 + 35.0 * wave);
        let network = &mut system["network"]["interfaces"][0];
        network["bytes_received"] = json!(88_123_456_789_u64 + count * 31_457_280);
        network["bytes_sent"] = json!(12_123_456_789_u64 + count * 1_048_576);
    }
    message.to_string()
}
