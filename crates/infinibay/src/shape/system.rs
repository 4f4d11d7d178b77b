//! The machine and its system in a few words: 8.5. File systems: 8.7, only those that fill up: a full image or disc would raise a
//! critical alarm.

use super::Told;
use crate::platform::Platform;
use infiniservice_protocol::metrics::{Disk, DiskUsage, Host, System};
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

/// Kinds that are always full, or are no disk of the machine's.
const IMAGES: [&str; 8] = ["squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs", "tmpfs", "devtmpfs"];

pub(crate) fn drives(disk: &Disk, platform: Platform) -> Told {
    let systems: Vec<_> = disk.usage_stats.iter().filter(|usage| fills_up(usage, platform)).collect();
    let fullest = systems.iter().map(|usage| percent(usage)).fold(0.0, f64::max);
    let said = format!("{} file systems, the fullest at {fullest:.0} %", systems.len());
    let drives: Vec<Value> = systems.iter().map(|usage| drive(usage)).collect();
    let disks: Vec<Value> = systems.iter().map(|usage| file_system(usage)).collect();
    (json!({ "drives": drives, "disks": disks }), said)
}

fn fills_up(usage: &DiskUsage, platform: Platform) -> bool {
    let real = match platform {
        Platform::Linux => {
            usage.device.starts_with('/')
                && !["/dev/loop", "/dev/sr"].iter().any(|prefix| usage.device.starts_with(prefix))
                || ["zfs", "overlay", "btrfs"].contains(&usage.filesystem.as_str())
        }
        Platform::Windows => !usage.filesystem.eq_ignore_ascii_case("cdfs"),
    };
    let kind = usage.filesystem.to_ascii_lowercase();
    real && usage.total_gb > 0.0 && !IMAGES.contains(&kind.as_str())
}

/// Of what ordinary users may fill, as `df` reckons it.
fn percent(usage: &DiskUsage) -> f64 {
    let usable = usage.used_gb + usage.available_gb;
    if usable > 0.0 { round(usage.used_gb * 100.0 / usable) } else { 0.0 }
}

fn round(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}

fn drive(usage: &DiskUsage) -> Value {
    let place = usage.mount_point.trim_end_matches('\\');
    let available = round(usage.available_gb);
    json!({
        "drive": place, "drive_letter": place, "label": usage.device, "total_gb": round(usage.total_gb),
        "used_gb": round(usage.used_gb), "free_gb": available, "available_gb": available,
        "used_percent": percent(usage),
    })
}

fn file_system(usage: &DiskUsage) -> Value {
    json!({
        "mount_point": usage.mount_point, "total_gb": round(usage.total_gb), "used_gb": round(usage.used_gb),
        "available_gb": round(usage.available_gb), "usage_percent": percent(usage),
    })
}
