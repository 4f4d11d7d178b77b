//! The rules' own tests, and the text that the hub writes, as `promtool` judges them.

use super::guests::Guests;
use super::{installed, packaging};
use anyhow::{Context, Result, ensure};
use infiniservice_hub_core::exporter::{Exporter, Hearing, OfHub};
use infiniservice_hub_core::exposition::{Exposition, Named, Options, Program};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn run(program: &Path, args: &[&str], input: &str) -> Result<Output> {
    let mut child = Command::new(program)
        .args(args)
        .current_dir(packaging("prometheus"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    child.stdin.take().context("its input")?.write_all(input.as_bytes())?;
    Ok(child.wait_with_output()?)
}

fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_rules_are_valid_and_their_tests_pass() -> Result<()> {
    let Some(promtool) = installed("promtool") else { return Ok(()) };
    for args in [["check", "rules", "rules.yml"], ["test", "rules", "rules_test.yml"]] {
        let output = run(&promtool, &args, "")?;
        ensure!(output.status.success(), "{args:?}: {}", words(&output));
    }
    Ok(())
}

#[test]
fn every_alert_has_a_test_in_which_it_fires() -> Result<()> {
    let rules = fs::read_to_string(packaging("prometheus/rules.yml"))?;
    let tests = fs::read_to_string(packaging("prometheus/rules_test.yml"))?;
    let alerts = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let untested: Vec<_> =
        alerts.filter(|name| !tests.contains(&format!("alertname: {name}\n        exp_alerts:\n"))).collect();
    ensure!(untested.is_empty(), "{untested:?}");
    Ok(())
}

#[test]
fn promtool_finds_nothing_wrong_with_what_is_told() -> Result<()> {
    let Some(promtool) = installed("promtool") else { return Ok(()) };
    let (mut guests, mut exposition) = (Guests::new(), Exposition::default());
    guests.step();
    let all =
        exposition.fleet(&guests.fleet, &Program::default(), guests.now(), Options::default()).to_owned();
    let named = guests.fleet.iter().map(|(vm, entry)| Named { vm, hub: Some("h1"), entry });
    let hub = OfHub { name: "h1".into(), hearing: Hearing::Telling, message_age: Some(Duration::ZERO) };
    let own = Exporter { hubs: vec![hub], ..Exporter::default() };
    let of_exporter = exposition.exporter(named, &own, guests.now(), Options::default()).to_owned();
    ensure!(of_exporter.contains("infini_vm_up{vm=\"well\",hub=\"h1\"} 1\n"), "{of_exporter:.2000}");
    for text in [all, of_exporter] {
        let output = run(&promtool, &["check", "metrics"], &text)?;
        ensure!(output.status.success() && words(&output).is_empty(), "{}", words(&output));
    }
    for name in ["well", "windows"] {
        let text = exposition.node(&guests.fleet, guests.now(), name).context("it speaks")?;
        let output = run(&promtool, &["check", "metrics"], text)?;
        // Others' names are not as promtool would have them; what it cannot read is another matter.
        ensure!(output.status.code() != Some(1), "{}", words(&output));
    }
    Ok(())
}
