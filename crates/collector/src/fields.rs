//! Which metrics, and which lists, belong to the fields of a stream.

use infiniservice_protocol::metrics::Collection;
use infiniservice_protocol::stream::{Field, Fields};

/// The field in which a metric's figures, or a list, stand; `None` where they stand in all.
fn field_of(name: &str) -> Option<Field> {
    Some(match name {
        "cpu" | "temperature" => Field::Cpu,
        "memory" => Field::Memory,
        "disk_usage" | "file_systems" | "usage_stats" => Field::DiskUsage,
        "disk_io" | "devices" => Field::DiskIo,
        "network" | "interfaces" => Field::Network,
        "uptime" => Field::Uptime,
        "load_average" => Field::LoadAverage,
        "pressure" => Field::Pressure,
        "host" => Field::Host,
        "processes" => Field::Processes,
        "ports" => Field::Ports,
        "services" => Field::Services,
        _ => return None,
    })
}

/// Whether a metric has to be collected for these fields: start times need the boot time, which `cpu` reads, and the uptime;
/// sockets need the processes.
pub(crate) fn is_needed(metric: &str, fields: Fields) -> bool {
    let also = match metric {
        "cpu" => [Field::Host, Field::Processes, Field::Ports].as_slice(),
        "uptime" => &[Field::Processes, Field::Ports],
        "processes" => &[Field::Ports],
        _ => &[],
    };
    is_told(metric, fields) || also.iter().any(|field| fields.has(*field))
}

fn is_told(name: &str, fields: Fields) -> bool {
    field_of(name).is_none_or(|field| fields.has(field))
}

/// What a collection says of these fields.
pub fn narrowed(collection: &Collection, fields: Fields) -> Collection {
    let failed = collection.failed.iter().filter(|failed| is_told(&failed.collector, fields));
    let truncated = collection.truncated.iter().filter(|(list, _)| is_told(list, fields));
    let age_ms = collection.age_ms.iter().filter(|(metric, _)| is_told(metric, fields));
    Collection {
        duration_ms: collection.duration_ms,
        failed: failed.cloned().collect(),
        truncated: truncated.map(|(list, total)| (list.clone(), *total)).collect(),
        age_ms: age_ms.map(|(metric, age)| (metric.clone(), *age)).collect(),
        // A stream has its own.
        interval_secs: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::metrics::FailedCollector;

    #[test]
    fn a_stream_hears_of_its_own_fields_and_of_the_collector_as_a_whole() {
        let failed = |name: &str| FailedCollector { collector: name.into(), error: "x".into() };
        let collection = Collection {
            duration_ms: 3,
            failed: ["cpu", "memory", "collector"].map(failed).into(),
            truncated: [("processes".into(), 9), ("ports".into(), 8)].into(),
            age_ms: [("cpu".into(), 1), ("disk_io".into(), 2)].into(),
            interval_secs: Some(30),
        };
        let told = narrowed(&collection, Fields::from_iter([Field::Memory, Field::Ports]));
        assert_eq!(told.failed, ["memory", "collector"].map(failed));
        assert_eq!((told.truncated, told.age_ms.len()), ([("ports".into(), 8)].into(), 0));
    }

    #[test]
    fn what_others_are_reckoned_from_is_collected_with_them() {
        let needed = |field| {
            let all = ["temperature", "cpu", "memory", "uptime", "disk_io", "host", "processes", "ports"];
            all.into_iter().filter(|name| is_needed(name, Fields::from_iter([field]))).collect::<Vec<_>>()
        };
        assert_eq!(needed(Field::Memory), ["memory"]);
        assert_eq!(needed(Field::Cpu), ["temperature", "cpu"]);
        assert_eq!(needed(Field::Ports), ["cpu", "uptime", "processes", "ports"]);
    }
}
