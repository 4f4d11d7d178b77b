//! A person before a hub: `infinictl watch` on a real terminal, and the names of machines behind Tab in a real bash.

use crate::hub_host::HubHost;
use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Running;
use infiniservice_e2e::binary::tested;
use infiniservice_hub_sim::Fault;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
const GUESTS: [(&str, Fault); 3] =
    [("well-1", Fault::None), ("well-2", Fault::None), ("failing", Fault::Hostile)];

fn host() -> Result<HubHost> {
    let host = HubHost::start(&GUESTS)?;
    let until = Instant::now() + PATIENCE;
    loop {
        let machines = infinictl(&host.directory(), &["--json", "list", "state=up"])?;
        let known = text(&machines).lines().filter(|line| line.contains("\"received\"")).count();
        if known == GUESTS.len() {
            return Ok(host);
        }
        ensure!(Instant::now() < until, "{machines:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn infinictl(hub: &Path, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(tested("infinictl")?);
    Ok(command.args(arguments).env("INFINICTL_HUB", hub).env_remove("INFINICTL_SOCKET").output()?)
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// `infinictl watch` on a terminal of 80 by 24, which script(1) makes.
struct Terminal {
    script: Running,
    keys: ChildStdin,
    parts: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    fn open(hub: &Path) -> Result<Self> {
        let watch = format!("stty rows 24 cols 80; exec {} watch", tested("infinictl")?.display());
        let mut script = Command::new("script");
        script.args(["-q", "-e", "-c", &watch, "/dev/null"]).env("INFINICTL_HUB", hub).env("TERM", "xterm");
        script.env_remove("INFINICTL_SOCKET").env("SHELL", "/bin/sh");
        let mut script = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("script")?;
        let keys = script.stdin.take().context("stdin")?;
        let mut screen = script.stdout.take().context("stdout")?;
        let (sender, parts) = channel();
        std::thread::spawn(move || {
            let mut part = vec![0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut part) {
                if sender.send(part.get(..count).unwrap_or_default().to_vec()).is_err() {
                    return;
                }
            }
        });
        Ok(Self { script: Running(script), keys, parts, seen: String::new() })
    }

    fn press(&mut self, keys: &str) -> Result<()> {
        self.seen.clear();
        Ok(self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush())?)
    }

    /// Waits until this was drawn in one piece: what stood there before is not drawn again.
    fn until(&mut self, drawn: &str) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        while !self.seen.contains(drawn) {
            let part = self.parts.recv_timeout(until.saturating_duration_since(Instant::now()));
            let part = part.with_context(|| format!("{drawn:?} is not in {:?}", self.seen))?;
            self.seen += &String::from_utf8_lossy(&part);
        }
        Ok(())
    }
}

#[test]
fn a_person_watches_all_machines_opens_one_and_comes_back() -> Result<()> {
    let host = host()?;
    let mut terminal = Terminal::open(&host.directory())?;
    terminal.until("well-2")?;
    let before = terminal.seen.find("failing").zip(terminal.seen.find("well-1"));
    ensure!(before.is_some_and(|(failing, well)| failing < well), "what hurts is first: {:?}", terminal.seen);
    ensure!(terminal.seen.contains("1 service failed"), "{:?}", terminal.seen);
    terminal.press("/well-1\r\r")?;
    terminal.until("processes")?;
    terminal.press("q")?;
    terminal.until("well-1")?;
    terminal.press("q")?;
    // The terminal is given back: the alternate screen ends.
    terminal.until("\u{1b}[?1049l")?;
    ensure!(terminal.script.0.wait()?.success());
    Ok(())
}

#[test]
fn programs_get_the_machines_by_what_hurts() -> Result<()> {
    let host = host()?;
    let once = infinictl(&host.directory(), &["watch", "--once", "--json"])?;
    let documents: Vec<Value> = text(&once).lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let names: Vec<_> = documents.iter().filter_map(|machine| machine["name"].as_str()).collect();
    ensure!(names == ["failing", "well-1", "well-2"], "{names:?}");
    let filtered =
        infinictl(&host.directory(), &["watch", "--once", "--filter", "WELL up", "--sort", "name"])?;
    ensure!(text(&filtered).ends_with("2 of 2 machines are up\n"), "{filtered:?}");
    let wrong = infinictl(&host.directory(), &["--vm", "well-1", "watch", "--once"])?;
    ensure!(wrong.status.code() == Some(2), "{wrong:?}");
    Ok(())
}

/// What bash has behind Tab, its function called as bash calls it.
fn tab(hub: &Path, words: &[&str]) -> Result<Vec<String>> {
    let infinictl = tested("infinictl")?;
    let programs = infinictl.parent().context("a directory")?;
    let script = r#"set -e
source <(infinictl completions bash)
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9
_clap_complete_infinictl infinictl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\n' "${COMPREPLY[@]}""#;
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", script, "bash", "infinictl"])
        .args(words)
        .env("INFINICTL_HUB", hub)
        .env("PATH", path);
    let output = bash.output()?;
    ensure!(output.status.success(), "{output:?}");
    Ok(text(&output).lines().map(str::to_owned).collect())
}

#[test]
fn tab_in_bash_knows_machines_commands_and_options() -> Result<()> {
    let host = host()?;
    let hub = host.directory();
    ensure!(tab(&hub, &["--vm", "we"])? == ["well-1", "well-2"], "{:?}", tab(&hub, &["--vm", "we"]));
    ensure!(tab(&hub, &["--vm", ""])? == ["failing", "well-1", "well-2"]);
    ensure!(tab(&hub, &["--vm", "well-1", "serv"])? == ["service"]);
    ensure!(tab(&hub, &["service", "resta"])? == ["restart"]);
    let nowhere = Path::new("/nonexistent");
    ensure!(tab(nowhere, &["--vm", "we"])?.concat().is_empty(), "without a hub there are no names");
    let named = hub.display().to_string();
    ensure!(tab(nowhere, &["--hub", &named, "--vm", "well-2"])? == ["well-2"]);
    Ok(())
}
