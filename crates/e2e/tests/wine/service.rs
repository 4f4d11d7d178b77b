//! The service under Wine's service manager, through its real interface.

use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Windows;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_lab::command::output_of;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

pub const SCENARIOS: &[Scenario<Windows>] = &[
    ("service::is_installed_started_restarted_and_removed_by_the_service_manager", lives),
    ("service::makes_its_events_known_and_closes_its_files_to_others", makes_known),
    ("service::writes_events", writes_events),
    ("service::that_cannot_start_tells_the_manager_its_exit_code", fails),
];

fn service(windows: &Windows, arguments: &[&str]) -> Result<String> {
    windows.prefix.run(&windows.agent, &[&["service"], arguments].concat())
}

fn log(windows: &Windows) -> Result<String> {
    let path = windows.prefix.drive_c().join("ProgramData/InfiniService/infiniservice.log");
    fs::read_to_string(&path).with_context(|| path.display().to_string())
}

const ARGUMENTS: &[&str] = &["--device", "COM1", "--vm-id", "as-a-service"];

/// The installed service, removed with this value whatever became of the scenario.
struct Installed<'a>(&'a Windows);

impl<'a> Installed<'a> {
    fn with(windows: &'a Windows, arguments: &[&str]) -> Result<Self> {
        service(windows, &[&["install", "--"], arguments].concat())?;
        Ok(Self(windows))
    }
}

impl Drop for Installed<'_> {
    fn drop(&mut self) {
        if let Err(error) = service(self.0, &["uninstall"]) {
            println!("the service was not removed: {error:#}");
        }
    }
}

fn lives(windows: &Windows) -> Result<()> {
    let installed = Installed::with(windows, ARGUMENTS)?;
    let again = service(windows, &[&["install", "--"], ARGUMENTS].concat())?;
    ensure!(again.contains("updated"), "{again}");
    for _ in 0..2 {
        let (client, _slave) = windows.host()?;
        service(windows, &["start"])?;
        let status = service(windows, &["status"])?;
        ensure!(status.contains("running, process"), "{status}");
        let hello = windows.wait(client.hello(TIMEOUT))?;
        ensure!(hello.vm_id.as_deref() == Some("as-a-service"), "{hello:?}");
        service(windows, &["stop"])?;
        windows.wait(client.close());
    }
    let log = log(windows)?;
    for part in ["stopping: asked by the service manager", "stopped after", "commands: ", "link: "] {
        ensure!(log.matches(part).count() == 2, "{part:?} is not twice in the log:\n{log}");
    }
    drop(installed);
    let gone = service(windows, &["status"]).err().context("it is still there")?;
    ensure!(format!("{gone:#}").contains("not installed"), "{gone:#}");
    Ok(())
}

/// Where the installer puts it: a path with spaces. The second value is its directory, as the host sees it.
fn as_installed(windows: &Windows) -> Result<(String, PathBuf)> {
    let c = windows.prefix.drive_c();
    let (from, to) = (c.join("test"), c.join("Program Files/Infinibay"));
    fs::create_dir_all(&to)?;
    for name in ["infiniservice.exe", "bcryptprimitives.dll"] {
        fs::copy(from.join(name), to.join(name))?;
    }
    Ok((r"C:\Program Files\Infinibay\infiniservice.exe".into(), to))
}

/// What ordinary users may do: Wine makes mode bits of access lists, and those of the group of Administrators' part.
fn others_may(path: &Path) -> Result<u32> {
    Ok(fs::metadata(path).with_context(|| path.display().to_string())?.permissions().mode() & 0o007)
}

fn query(windows: &Windows, key: &str) -> Result<String> {
    windows.prefix.run("reg", &["query", &format!(r"HKLM\SYSTEM\CurrentControlSet\Services\{key}")])
}

const EVENTS: &str = r"EventLog\Application\InfiniService";

fn makes_known(windows: &Windows) -> Result<()> {
    let (agent, directory) = as_installed(windows)?;
    let configuration = windows.prefix.drive_c().join("ProgramData/InfiniService");
    fs::create_dir_all(&configuration)?;
    fs::write(configuration.join("config.toml"), "max_ports = 7\n")?;
    fs::set_permissions(&configuration, fs::Permissions::from_mode(0o777))?;
    fs::set_permissions(configuration.join("config.toml"), fs::Permissions::from_mode(0o666))?;
    // Wine gives what the directory above lets others do as well, though it is told not to: here nothing.
    for above in [&configuration, &directory] {
        fs::set_permissions(above.parent().context("a directory above")?, fs::Permissions::from_mode(0o700))?;
    }
    let mut install = windows.prefix.command(&agent)?;
    install.args(["service", "install", "--vm-id", "vm-\"7\"", "--save-secret"]);
    let told = output_of(install.env("INFINISERVICE_SHARED_SECRET", "sixteen-or-more-characters"))?;
    let installed = Installed(windows);
    ensure!(told.contains("is installed"), "{told}");

    let service = query(windows, "InfiniService")?;
    ensure!(service.contains(&format!("\"{agent}\"")), "the path has spaces and is not quoted:\n{service}");
    let events = query(windows, EVENTS)?;
    ensure!(events.lines().any(|l| l.contains("REG_EXPAND_SZ") && l.contains(&agent)), "{events}");
    ensure!(
        events.lines().any(|l| l.contains("TypesSupported") && l.trim_end().ends_with("0x7")),
        "{events}"
    );

    let text = fs::read_to_string(configuration.join("config.toml"))?;
    ensure!(text.contains("max_ports = 7") && text.contains(r#"vm_id = "vm-\"7\"""#), "{text}");
    ensure!(text.contains("shared_secret = \"sixteen"), "{text}");
    let mut again = windows.prefix.command(&agent)?;
    output_of(again.args(["service", "install", "--wire-profile", "infinibay", "--forget-secret"]))?;
    let text = fs::read_to_string(configuration.join("config.toml"))?;
    ensure!(text.contains("wire_profile = \"infinibay\"") && text.contains("max_ports = 7"), "{text}");
    ensure!(!text.contains("shared_secret"), "{text}");
    for path in [configuration.clone(), configuration.join("config.toml")] {
        ensure!(others_may(&path)? == 0, "{} is open to others: {:o}", path.display(), others_may(&path)?);
    }
    for path in [directory.clone(), directory.join("infiniservice.exe")] {
        ensure!(others_may(&path)? & 0o002 == 0, "others may write {}", path.display());
    }
    drop(installed);
    ensure!(query(windows, EVENTS).is_err(), "the event source is still there");
    fs::remove_file(configuration.join("config.toml"))?;
    Ok(())
}

/// Wine takes events and keeps none: what is seen is that each call succeeded.
fn writes_events(windows: &Windows) -> Result<()> {
    let _installed = Installed::with(windows, &["--device", "COM1", "--debug"])?;
    service(windows, &["start"])?;
    service(windows, &["stop"])?;
    let log = log(windows)?;
    let told = log.lines().rev().find_map(|line| line.split_once("Event Log: ")).context("no events")?.1;
    let (written, failed) = told.split_once(" events written, ").context("counts")?;
    ensure!(written.parse::<u32>()? >= 4 && failed == "0 failed", "{told}");
    Ok(())
}

fn fails(windows: &Windows) -> Result<()> {
    let _installed = Installed::with(windows, &["--set", "max_ports=none"])?;
    let told = service(windows, &["start"]).err().context("it started")?;
    let told = format!("{told:#}");
    ensure!(told.contains("stopped, exit code 2 of its own"), "{told}");
    let log = log(windows)?;
    ensure!(log.contains("max_ports"), "the reason is not in the log:\n{log}");
    Ok(())
}
