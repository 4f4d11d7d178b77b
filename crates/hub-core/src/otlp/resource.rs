//! Who a signal is about: a machine, or the hub itself.

use super::attributes::{attribute, plain};
use crate::machine::Machine;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::resource::v1::Resource;

/// A machine. `host.id` is its name on this host: what a guest says of itself is no key.
pub(super) fn of_machine(hub: &str, name: &str, machine: Option<&Machine>) -> Resource {
    let mut attributes = vec![
        plain("service.name", "infiniservice".to_owned()),
        plain("service.instance.id", format!("{hub}/{name}")),
        attribute("host.id", name),
        attribute("infini.vm", name),
        attribute("infini.hub", hub),
    ];
    attributes.extend(machine.into_iter().flat_map(said));
    Resource { attributes, ..Resource::default() }
}

/// What its agent said last.
fn said(machine: &Machine) -> Vec<KeyValue> {
    let sample = machine.sample();
    let host = sample.map(|sample| &sample.system.host);
    let hello = machine.hello();
    let version = hello.map(|it| &it.agent_version).or(sample.map(|sample| &sample.agent_version));
    let (os, os_version) = host.map_or(("", ""), |host| (&*host.os_name, &*host.os_version));
    let described = format!("{os} {os_version}");
    let told = [
        ("service.version", version.map_or("", String::as_str)),
        ("host.name", host.map_or("", |host| &host.hostname)),
        ("host.arch", host.map_or("", |host| arch(&host.architecture))),
        ("os.type", hello.map_or("", |hello| os_type(&hello.platform))),
        ("os.name", os),
        ("os.version", os_version),
        ("os.description", described.trim()),
    ];
    told.into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| attribute(key, value))
        .collect()
}

/// The conventions' words for architectures.
fn arch(machine: &str) -> &str {
    match machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "i686" => "x86",
        other => other,
    }
}

/// One of the conventions' words, or none.
fn os_type(platform: &str) -> &str {
    if matches!(platform, "linux" | "windows") { platform } else { "" }
}

/// The hub of this host.
pub(super) fn of_hub(hub: &str) -> Resource {
    let attributes = vec![
        plain("service.name", "infinihub".to_owned()),
        plain("service.version", env!("CARGO_PKG_VERSION").to_owned()),
        attribute("service.instance.id", hub),
        attribute("host.name", hub),
        attribute("infini.hub", hub),
    ];
    Resource { attributes, ..Resource::default() }
}
