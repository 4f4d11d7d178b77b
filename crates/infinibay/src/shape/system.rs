//! The machine and its system in a few words: 8.5.

use super::Told;
use crate::platform::Platform;
use infiniservice_protocol::metrics::{Host, System};
use serde_json::{Value, json};

pub(crate) fn machine(system: &System, os: &str) -> Told {
    let host = &system.host;
    let data = json!({
        "hostname": host.hostname, "os": host.os_name, "os_version": host.os_version,
        "kernel": host.kernel_version, "arch": host.architecture, "cpu_count": system.cpu.cores_usage.len(),
        "total_memory_kb": system.memory.total_kb, "uptime_seconds": system.uptime_seconds,
    });
    let said = if os.is_empty() { host.os_name.clone() } else { os.to_owned() };
    (data, format!("{} runs {said}", host.hostname))
}

pub(crate) fn os(host: &Host, platform: Platform) -> Told {
    let mut data = json!({
        "name": host.os_name, "version": host.os_version, "platform": platform.name(),
        "kernel": host.kernel_version, "arch": host.architecture, "hostname": host.hostname,
    });
    if let (Platform::Windows, Some(data)) = (platform, data.as_object_mut()) {
        data.insert("build".into(), Value::from(host.kernel_version.as_str()));
    }
    (data, format!("{} {}", host.os_name, host.os_version).trim_end().to_owned())
}
