//! `infiniservice bugreport`: what a report of a fault needs from the guest's side, in one archive, without secrets.

use crate::config::{Loaded, render};
use crate::service::{for_diagnosis, manager};
use crate::status;
use infiniservice_channel::diagnose::DiagnoseOptions;
use infiniservice_protocol::bundle::Bundle;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

/// A program that takes longer is left out.
const DEADLINE: Duration = Duration::from_secs(10);
/// Of one file or program.
const MAX_BYTES: u64 = 2 << 20;
/// Files of the system that say what it is.
const FILES: [(&str, &str); 5] = [
    ("os-release.txt", "/etc/os-release"),
    ("kernel.txt", "/proc/version"),
    ("cgroup.txt", "/proc/self/cgroup"),
    ("memory.txt", "/proc/meminfo"),
    ("pressure.txt", "/proc/pressure/cpu"),
];
/// Where programs are root's alone.
const DIRECTORIES: [&str; 2] = ["/usr/bin", "/bin"];
/// What is asked of the system: file, program, arguments.
const PROGRAMS: [(&str, &str, &[&str]); 2] = [
    (
        "journal.txt",
        "journalctl",
        &["--unit=infiniservice*", "--lines=2000", "--output=short-iso", "--no-pager"],
    ),
    (
        "units.txt",
        "systemctl",
        &["show", "--no-pager", "infiniservice.service", "infiniservice-readonly.service"],
    ),
];

/// Writes it; gives what to tell: where it is and what is in it. Settings that cannot be read are part of the report.
///
/// # Errors
/// When the archive cannot be written; one that is there is not replaced.
pub fn write(output: &Path, settings: Result<&Loaded, &String>) -> Result<String, String> {
    let bundle = collect(settings);
    let failed = |error| format!("cannot write {}: {error}", output.display());
    let mut file = OpenOptions::new().write(true).create_new(true).open(output).map_err(failed)?;
    file.write_all(&bundle.to_tar_gz(SystemTime::now())).map_err(failed)?;
    let note =
        "Read through it before you send it: it contains names of this machine, its ports and its log.";
    Ok(format!("{}:\n  {}\n{note}", output.display(), bundle.contents().join("\n  ")))
}

fn collect(settings: Result<&Loaded, &String>) -> Bundle {
    let mut bundle = Bundle::new("infiniservice-bugreport");
    if let Some(secret) = settings.ok().and_then(|loaded| loaded.settings.shared_secret.as_ref()) {
        bundle.hide(secret.expose());
    }
    bundle.add("version.txt", &format!("infiniservice {}\n", infiniservice_platform::AGENT_VERSION));
    let device = settings.ok().and_then(|loaded| loaded.settings.device_path.clone());
    let mut options = DiagnoseOptions::new(device);
    options.guest_agent = settings.map(|loaded| for_diagnosis(&loaded.settings)).unwrap_or_default();
    let report = manager::diagnose(&options);
    bundle.add("diagnose.txt", &report.to_text());
    bundle.add("diagnose.json", &report.to_json());
    bundle.add("settings.txt", &settings.map_or_else(|e| format!("{e}\n"), render::print_text));
    bundle.add("status.json", &status::shown(true).text);
    for (name, path) in FILES {
        bundle.add(name, &beginning(path));
    }
    for (name, program, arguments) in PROGRAMS {
        bundle.add(name, &said(program, arguments));
    }
    bundle
}

fn beginning(path: &str) -> String {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes)) {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => format!("{path}: {error}\n"),
    }
}

/// What a program of the system's prints, within the deadline.
fn said(program: &str, arguments: &[&str]) -> String {
    let mut places = DIRECTORIES.iter().map(|directory| Path::new(directory).join(program));
    let found: Option<PathBuf> = places.find(|path| path.exists());
    let Some(path) = found else { return format!("{program} is not installed\n") };
    let mut command = Command::new(path);
    command.args(arguments).env_clear().env("LC_ALL", "C.UTF-8");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else { return format!("{program} does not start\n") };
    let (tell, told) = mpsc::channel();
    if let Some(output) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = output.take(MAX_BYTES).read_to_end(&mut bytes);
            // Nobody waits any more after the deadline.
            let _late = tell.send(read.map(|_| bytes));
        });
    }
    let answer = told.recv_timeout(DEADLINE);
    // It has ended, or it is to end.
    let _ended = child.kill();
    let _reaped = child.wait();
    match answer {
        Ok(Ok(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        _ => format!("{program} did not answer within {} s\n", DEADLINE.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_written_without_settings_and_never_over_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let output = directory.path().join("report.tar.gz");
        let problem = "config.toml:1: unknown setting".to_owned();
        let told = write(&output, Err(&problem)).unwrap();
        assert!(told.contains("infiniservice-bugreport/settings.txt (31 bytes)"), "{told}");
        assert!(write(&output, Err(&problem)).is_err());
    }
}
