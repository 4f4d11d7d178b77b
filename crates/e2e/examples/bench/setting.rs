//! Where and when the figures were taken.

use std::fs;
use std::process::Command;

/// A sentence about this machine, its load, the date and the command that repeats the run.
pub fn describe(name: &str, quick: bool, load_before: &str) -> String {
    let flags = format!(
        "{}{}",
        if name == "pty" { String::new() } else { format!(" --{}", name.replace('-', " --")) },
        if quick { " --quick" } else { "" }
    );
    format!(
        "`cargo xtask bench{flags}`, {}; {} × {}, {} MiB, Linux {}; {}. Load average {load_before} before, {} after.\n",
        output("date", &["-u", "+%F %H:%M UTC"]),
        fs::read_to_string("/proc/cpuinfo").unwrap_or_default().matches("processor\t").count(),
        line_of("/proc/cpuinfo", "model name"),
        line_of("/proc/meminfo", "MemTotal").split(' ').next().and_then(|kb| kb.parse().ok()).unwrap_or(0u64)
            >> 10,
        release(&output("uname", &["-r"])),
        output("/usr/sbin/qemu-ga", &["--version"]),
        load_average()
    )
}

/// `6.18` of `6.18.44-whoever-built-it`.
fn release(kernel: &str) -> String {
    kernel.split('.').take(2).collect::<Vec<_>>().join(".")
}

/// The three load averages.
pub fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn line_of(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':'));
    line.map_or_else(|| "unknown".into(), |(_, value)| value.trim().to_owned())
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    match output {
        Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Err(_) => format!("no {program}"),
    }
}
