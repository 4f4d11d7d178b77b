//! `infinictl list`: all machines, a line each.

use crate::cli::error::CliError;
use crate::cli::global::Global;
use crate::cli::output::{Columns, Output, number, optional, state, text};
use crate::hub::{Api, Row};
use crate::watch::fleet::{self, Machine, Order};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize as _;
use serde_json::Value;

/// Which machines, and how.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Args {
    /// Which machines, such as os=debian,load5>4, tag.env=prod or state!=up; a machine must match all parts
    #[arg(value_name = "SELECTOR", default_value = "all")]
    selector: String,
    /// Print only the names, one per line
    #[arg(long)]
    names: bool,
    /// Sort by what hurts: machines that do not answer first, then failed services, full disks, load and memory
    #[arg(long, conflicts_with = "names")]
    worst: bool,
}

/// Runs it.
pub(in crate::cli) async fn run(global: &Global, args: &Args) -> Result<(), CliError> {
    let document = global.api()?.get(&selected(&args.selector)).await?;
    let out = Output::new(global.json, global.no_color);
    let mut machines = document.as_array().cloned().unwrap_or_default();
    if args.names {
        let names: Vec<_> = machines.iter().filter_map(|machine| machine["name"].as_str()).collect();
        return out.text(&names.join("\n"));
    }
    if args.worst {
        machines = sorted(machines, Order::Hurt);
    }
    print(&machines, out)
}

/// The address of the machines that a selector means.
fn selected(selector: &str) -> String {
    format!("/v1/vms?select={}", utf8_percent_encode(selector, NON_ALPHANUMERIC))
}

/// All machines that have these words, in this order: `infinictl watch --once`.
pub(super) async fn worst(api: &Api, order: Order, filter: &str, out: Output) -> Result<(), CliError> {
    let document = api.get("/v1/vms").await?;
    let (words, mut machines) = (fleet::words(filter), document.as_array().cloned().unwrap_or_default());
    machines.retain(|machine| Row::deserialize(machine).is_ok_and(|row| row.has(&words)));
    print(&sorted(machines, order), out)
}

fn print(machines: &[Value], out: Output) -> Result<(), CliError> {
    if out.json {
        return machines.iter().try_for_each(|machine| out.document(&machine.to_string()));
    }
    out.text(&show(machines, out))
}

/// In this order; what is no machine comes last.
fn sorted(machines: Vec<Value>, order: Order) -> Vec<Value> {
    let mut read: Vec<_> =
        machines.into_iter().map(|value| (Row::deserialize(&value).ok().map(Machine::from), value)).collect();
    read.sort_by(|(a, _), (b, _)| match (a, b) {
        (Some(a), Some(b)) => order.compare(a, b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    });
    read.into_iter().map(|(_, value)| value).collect()
}

fn show(machines: &[Value], out: Output) -> String {
    let mut headings =
        vec!["name", "state", "address", "os", "load", "cpu", "memory", "fullest disk", "heard", "agent"];
    // A host without tags needs no column for them.
    let with_tags = machines.iter().any(|machine| !tags(machine).is_empty());
    headings.extend(with_tags.then_some("tags"));
    let mut table = Columns::new(out, &headings);
    for machine in machines {
        let (figures, agent) = (&machine["figures"], &machine["agent"]);
        let cells = [
            text(word(&machine["name"])),
            state(word(&machine["state"])),
            text(word(&figures["address"])),
            text(word(&agent["os"])),
            optional(figures["load"][0].as_f64().map(|load| format!("{load:.2}"))),
            number(percent(&figures["cpu"])),
            number(percent(&figures["memory"])),
            text(&format!("{} {}", percent(&figures["disk"]), word(&figures["fullest"]))),
            optional(machine["age_ms"].as_u64().map(|age| format!("{} s ago", age / 1000))),
            text(word(&agent["version"])),
        ];
        table.row(cells.into_iter().chain(with_tags.then(|| text(&tags(machine)))));
    }
    let up = machines.iter().filter(|machine| machine["state"] == "up").count();
    format!("{}\n{up} of {} machines are up", table.finish(), machines.len())
}

/// The host's and the guest's, as the hub merges them.
fn tags(machine: &Value) -> String {
    let all = machine["tags"].as_object().into_iter().flatten();
    let told = all.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or("-")));
    told.collect::<Vec<_>>().join(", ")
}

fn word(value: &Value) -> &str {
    value.as_str().filter(|text| !text.is_empty()).unwrap_or("-")
}

fn percent(value: &Value) -> String {
    value.as_f64().map_or_else(|| "-".to_owned(), |ratio| format!("{:.0} %", ratio * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_support::{EVIL, assert_harmless};
    use serde_json::json;

    fn machine(name: &str, state: &str, disk: f64, failed: u32) -> Value {
        let figures = json!({"cpu": 0.125, "memory": 0.5, "disk": disk, "fullest": "/var", "address": "10.0.0.7",
            "load": [0.25, 0.1, 0.0], "failed_services": failed});
        json!({"name": name, "state": state, "age_ms": 2500, "figures": figures,
            "agent": {"os": "Debian GNU/Linux 12", "version": "0.1.0"}})
    }

    #[test]
    fn a_machine_has_its_line_and_what_is_not_known_is_a_dash() {
        let shown = show(
            &[machine("web", "up", 0.93, 0), json!({"name": "new", "state": "opening"})],
            Output::default(),
        );
        let rows: Vec<Vec<&str>> = shown
            .lines()
            .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
            .collect();
        assert_eq!(
            rows[1],
            [
                "web",
                "up",
                "10.0.0.7",
                "Debian GNU/Linux 12",
                "0.25",
                "12 %",
                "50 %",
                "93 % /var",
                "2 s ago",
                "0.1.0"
            ]
        );
        assert_eq!(rows[2], ["new", "opening", "-", "-", "-", "-", "-", "- -", "-", "-"]);
        assert!(shown.ends_with("1 of 2 machines are up") && !shown.contains("TAGS"));
    }

    #[test]
    fn tags_have_a_column_where_a_machine_has_some() {
        let mut tagged = machine("web", "up", 0.93, 0);
        tagged["tags"] = json!({"env": "prod", "tier": "web"});
        let shown = show(&[tagged, machine("db", "up", 0.1, 0)], Output::default());
        let ends: Vec<_> = shown.lines().take(3).map(|line| line.rsplit("  ").next().unwrap()).collect();
        assert_eq!(ends, ["TAGS", "env=prod, tier=web", "0.1.0"], "{shown}");
    }

    #[test]
    fn what_hurts_most_comes_first() {
        let machines = vec![
            machine("fine", "up", 0.3, 0),
            machine("full", "up", 0.97, 0),
            machine("failed", "up", 0.1, 2),
            machine("gone", "silent", 0.0, 0),
            json!(null),
        ];
        let names = |order| -> Vec<String> {
            let sorted = sorted(machines.clone(), order);
            sorted.iter().map(|machine| machine["name"].as_str().unwrap_or("-").to_owned()).collect()
        };
        assert_eq!(names(Order::Hurt), ["gone", "failed", "full", "fine", "-"]);
        assert_eq!(names(Order::Name), ["failed", "fine", "full", "gone", "-"]);
    }

    #[test]
    fn hostile_names_are_harmless() {
        let mut evil = machine(EVIL, EVIL, 2e300, 1);
        evil["agent"] = json!({"os": EVIL, "version": EVIL.repeat(10_000)});
        evil["tags"] = json!({EVIL: EVIL, "n": 7});
        assert_harmless(&show(&[evil], Output::default()));
    }
}
