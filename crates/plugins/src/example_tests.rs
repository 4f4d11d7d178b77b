//! The examples in `packaging/plugins`: their descriptions are valid, and what they tell of what `nvidia-smi` and `systemctl` say is
//! understood. What those say is made as their manuals describe it: the machine of the tests has neither a card nor systemd.

use crate::format::{Format, Reading};
use crate::spec::{Spec, is_name};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/plugins")
}

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/examples").join(name);
    fs::read_to_string(path).unwrap()
}

/// Runs an example as the agent does, with a script in place of the tool that it asks.
fn run(example: &str, tool: &str) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tool");
    fs::write(&path, format!("#!/bin/sh\n{tool}\n")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(examples().join(example));
    command.env_clear().env("LC_ALL", "C.UTF-8").env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.arg(path).current_dir("/").output().unwrap()
}

fn told(output: &Output) -> Reading {
    assert!(output.status.success(), "{output:?}");
    Format::OpenMetrics.read(std::str::from_utf8(&output.stdout).unwrap(), 0, 200).unwrap()
}

fn values(reading: &Reading, name: &str) -> Vec<Option<f64>> {
    reading.series.iter().filter(|series| series.name == name).map(|series| series.value).collect()
}

#[test]
fn each_example_has_a_valid_description_of_a_program_that_may_be_run() {
    let mut count = 0;
    for entry in fs::read_dir(examples()).unwrap() {
        let path = entry.unwrap().path();
        let (stem, text) = (path.file_stem().unwrap().to_str().unwrap(), fs::read_to_string(&path).unwrap());
        if path.extension().is_some_and(|extension| extension == "toml") {
            let spec = Spec::parse(&text).unwrap();
            assert!(is_name(stem) && spec.command[0].ends_with(&format!("/{stem}")), "{spec:?}");
            assert_eq!(spec.user.as_deref(), Some("nobody"));
            count += 1;
        } else {
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o755, "{}", path.display());
        }
    }
    assert_eq!(count, 2);
}

#[test]
fn what_cards_measure_is_told_and_what_they_do_not_is_left_out() {
    let reading = told(&run("nvidia-gpu", &format!("cat <<'END'\n{}END", fixture("nvidia-smi.csv"))));
    assert_eq!(values(&reading, "gpu_temperature_celsius"), [Some(41.0)]);
    assert_eq!(values(&reading, "gpu_utilization_ratio"), [Some(0.37), Some(0.0)]);
    assert_eq!(values(&reading, "gpu_memory_total_bytes"), [Some(24_146_608_128.0), Some(17_179_869_184.0)]);
    assert_eq!(reading.series[0].labels["model"], "NVIDIA A10");
    assert_eq!(reading.total, 8);
}

#[test]
fn a_driver_that_does_not_answer_is_a_failure_and_a_machine_without_a_card_is_none() {
    let failed = run("nvidia-gpu", "echo 'NVIDIA-SMI has failed'; exit 9");
    assert_eq!(failed.status.code(), Some(9));
    let strange = run("nvidia-gpu", "echo 'No devices were found'");
    assert!(!strange.status.success());
    assert!(String::from_utf8_lossy(&strange.stderr).contains("nvidia-smi said: No devices were found"));
    let none = Command::new(examples().join("nvidia-gpu")).arg("/no/such/nvidia-smi").output().unwrap();
    assert_eq!(told(&none), Reading::default());
}

#[test]
fn systemctl_is_asked_for_dates_in_utc_as_the_names_of_zones_are_ambiguous() {
    let tool = "test \"$TZ\" = UTC || { echo \"TZ is '$TZ'\" >&2; exit 9; }";
    assert_eq!(told(&run("systemd-timers", tool)), Reading::default());
}

#[test]
fn timers_are_told_with_the_results_of_their_services() {
    let tool = format!(
        "case \"$*\" in *Result*logrotate*) echo Result=success ;; *Result*) echo Result=exit-code ;; *) cat <<'END'\n{}END\n;; esac",
        fixture("systemctl-timers.txt")
    );
    let reading = told(&run("systemd-timers", &tool));
    assert_eq!(values(&reading, "timer_last_trigger_seconds"), [Some(1_796_019_131.0)]);
    assert_eq!(
        values(&reading, "timer_next_trigger_seconds"),
        [Some(1_796_096_892.0), Some(1_796_083_200.0)]
    );
    assert_eq!(values(&reading, "timer_service_ok"), [Some(0.0), Some(1.0)]);
    assert_eq!(values(&reading, "timer_age_seconds").len(), 1);
    assert_eq!(reading.series[0].labels["timer"], "apt-daily.timer");
    assert!(!run("systemd-timers", "echo 'Failed to connect to bus' >&2; exit 1").status.success());
}
