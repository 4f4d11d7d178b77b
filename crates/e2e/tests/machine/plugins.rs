//! Plugins beside a real systemd: the example that is shipped, and a program that an ordinary user could have written.

use crate::support::{Undo, equal, metrics, reload, with_host};
use anyhow::{Context, Result, ensure};
use infinictl::client::Client;
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::metrics::Plugin;
use serde_json::Value;

pub const SCENARIOS: &[Scenario] = &[
    ("plugins::the_example_of_timers_tells_what_systemctl_lists", timers),
    ("plugins::a_program_that_a_user_could_have_written_is_not_run_and_named", planted),
];

const PROGRAM: &str = "/usr/lib/infiniservice/plugins/systemd-timers";
const EXAMPLE: &[u8] = include_bytes!("../../../../packaging/plugins/systemd-timers");
const DESCRIPTION: &str = include_str!("../../../../packaging/plugins/systemd-timers.toml");
const DIRECTORY: &str = "/etc/infiniservice/plugins.d";

/// Has the agent run the plugin that this describes, until the scenario ends.
fn described<'a>(guest: &'a Guest, name: &str, description: &str, and_remove: &str) -> Result<Undo<'a>> {
    let file = format!("{DIRECTORY}/{name}.toml");
    let reload = reload();
    let undo = Undo::by(guest, format!("rm -rf {DIRECTORY} {and_remove}; {reload}"));
    guest.sh(&format!("mkdir -p {DIRECTORY}"))?;
    guest.machine.write_file(&file, description.as_bytes())?;
    guest.sh(&format!("chmod 644 {file}; {reload}"))?;
    Ok(undo)
}

/// What the plugin said, once it has said anything.
fn told(guest: &Guest, client: &Client, name: &str) -> Result<Plugin> {
    let found = std::cell::RefCell::new(None);
    guest.until("the plugin's first result", |guest| {
        found.replace(metrics(guest, client)?.data.plugins.remove(name));
        Ok(found.borrow().is_some())
    })?;
    found.into_inner().context("a result")
}

fn timers(guest: &Guest) -> Result<()> {
    guest.sh("mkdir -p /usr/lib/infiniservice/plugins")?;
    guest.machine.write_file(PROGRAM, EXAMPLE)?;
    // Of a calendar: what the monotonic clock triggers is reckoned anew at each look.
    let _timer = Undo::by(
        guest,
        "systemctl stop lab-yearly.timer; systemctl reset-failed 2>/dev/null; true".to_owned(),
    );
    guest.sh(&format!(
        "chmod 755 {PROGRAM}; systemd-run --quiet --on-calendar=yearly --unit=lab-yearly /bin/true"
    ))?;
    let often = DESCRIPTION.replace("interval_secs = 300", "interval_secs = 10").replace("= 60", "= 10");
    let _undo = described(guest, "systemd-timers", &often, "/usr/lib/infiniservice")?;
    with_host(guest, |client| {
        let plugin = told(guest, client, "systemd-timers")?;
        ensure!(plugin.ok && plugin.error.is_none(), "{plugin:?}");
        let list: Value = serde_json::from_str(&guest.sh("systemctl list-timers --all --output=json")?)?;
        let next = |unit: &str| {
            let series = plugin.series.iter().find(|one| {
                one.name == "timer_next_trigger_seconds"
                    && one.labels.get("timer").is_some_and(|it| it == unit)
            });
            series.and_then(|one| one.value).map(|value| value as u64)
        };
        let mut seen = 0;
        for timer in list.as_array().context("a list")? {
            let unit = timer["unit"].as_str().context("a unit")?;
            // Those of the monotonic clock are listed with a time that systemctl reckons anew at each call.
            if let Some(told) = next(unit) {
                equal(unit, told, timer["next"].as_u64().context("a time")? / 1_000_000)?;
                seen += 1;
            }
        }
        ensure!(seen > 0, "no timer of {list} is among {:?}", plugin.series);
        Ok(())
    })
}

fn planted(guest: &Guest) -> Result<()> {
    guest.sh("printf '#!/bin/sh\\ntouch /run/lab-planted\\necho \"# EOF\"\\n' > /tmp/lab-plugin; \
         chmod 755 /tmp/lab-plugin; chown nobody /tmp/lab-plugin")?;
    let description = "command = [\"/tmp/lab-plugin\"]\nformat = \"openmetrics\"\ninterval_secs = 10\n\
                       timeout_secs = 5\n";
    let _undo = described(guest, "planted", description, "/tmp/lab-plugin /run/lab-planted")?;
    with_host(guest, |client| {
        let plugin = told(guest, client, "planted")?;
        let error = plugin.error.as_deref().context("a reason")?;
        ensure!(!plugin.ok && error.contains("/tmp/lab-plugin"), "{plugin:?}");
        let failed = metrics(guest, client)?.collection.failed;
        ensure!(failed.iter().any(|one| one.collector == "plugins.planted"), "{failed:?}");
        guest.sh("test ! -e /run/lab-planted").map(drop)
    })
}
