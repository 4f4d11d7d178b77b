//! Plugins of the real agent: their figures in the metrics, and what is refused.

use anyhow::{Context, Result, bail, ensure};
use infinictl::client::{Client, Endpoint, LocalAgent};
use infiniservice_e2e::binary;
use infiniservice_protocol::metrics::{Plugin, SystemMetrics};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const TIMEOUT: Duration = Duration::from_mins(3);

/// A machine with a directory of plugins and one of files.
struct Place(TempDir);

impl Place {
    fn new() -> Result<Self> {
        let place = tempfile::tempdir()?;
        for name in ["plugins.d", "textfiles"] {
            fs::create_dir(place.path().join(name))?;
        }
        Ok(Self(place))
    }

    fn write(&self, name: &str, text: &str) -> Result<String> {
        let path = self.0.path().join(name);
        fs::write(&path, text)?;
        Ok(path.display().to_string())
    }

    /// A script that is described as a plugin.
    fn plugin(&self, name: &str, format: &str, script: &str) -> Result<()> {
        let program = self.write(name, &format!("#!/bin/sh\n{script}\n"))?;
        fs::set_permissions(&program, Permissions::from_mode(0o755))?;
        self.describe(name, &format!("command = [\"{program}\"]\nformat = \"{format}\"\n"))
    }

    fn describe(&self, name: &str, text: &str) -> Result<()> {
        let text = format!("{text}interval_secs = 10\ntimeout_secs = 2\n");
        self.write(&format!("plugins.d/{name}.toml"), &text).map(drop)
    }

    async fn agent(&self) -> Result<Client> {
        let path = |name: &str| self.0.path().join(name).display().to_string();
        let config = format!(
            "plugins_dir = \"{}\"\nplugins_textfile_dir = \"{}\"\n",
            path("plugins.d"),
            path("textfiles")
        );
        let config = self.write("config.toml", &config)?;
        let agent = LocalAgent {
            agent: Some(binary::tested_agent()?),
            config: Some(config.into()),
            ..LocalAgent::default()
        };
        Ok(Client::connect(Endpoint::Local(agent)).await?)
    }
}

/// Metrics from the moment on at which all of these plugins have told something.
async fn told(client: &Client, names: &[&str]) -> Result<SystemMetrics> {
    let asking = async {
        loop {
            let metrics = client.metrics(TIMEOUT).await?;
            if names.iter().all(|name| metrics.data.plugins.contains_key(*name)) {
                return Ok(metrics);
            }
        }
    };
    tokio::time::timeout(TIMEOUT, asking).await.context("the plugins told nothing")?
}

fn plugin<'a>(metrics: &'a SystemMetrics, name: &str) -> Result<&'a Plugin> {
    metrics.data.plugins.get(name).with_context(|| format!("no {name} in {:?}", metrics.data.plugins))
}

fn failure<'a>(metrics: &'a SystemMetrics, name: &str) -> Result<&'a str> {
    let collector = format!("plugins.{name}");
    let failed = metrics.collection.failed.iter().find(|failed| failed.collector == collector);
    failed.map(|failed| failed.error.as_str()).with_context(|| format!("{collector} has not failed"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_plugins_and_files_tell_is_in_the_metrics_and_those_that_fail_are_named() -> Result<()> {
    let place = Place::new()?;
    place.plugin(
        "raid",
        "openmetrics",
        "printf '# TYPE degraded gauge\\ndegraded{array=\"md0\"} -1\\n# EOF\\n'",
    )?;
    place.plugin("disk", "nagios", "echo 'DISK CRITICAL - full | /=99%;80;90'; exit 2")?;
    place.plugin("queue", "json", "echo '{\"mail\": {\"waiting\": 3}}'")?;
    place.plugin("hangs", "json", "sleep 3600")?;
    place.plugin("floods", "json", "exec yes")?;
    place.describe("wrong", "command = [\"true\"]\n")?;
    place.write("textfiles/apt.prom", "apt_upgrades 4\n")?;
    place.write("textfiles/torn.prom", "apt_upgr")?;
    let client = place.agent().await?;
    let all = ["raid", "disk", "queue", "hangs", "floods", "wrong", "apt.prom", "torn.prom"];
    let metrics = told(&client, &all).await?;
    ensure!(metrics.data.plugins.len() == all.len(), "{:?}", metrics.data.plugins.keys());
    let raid = plugin(&metrics, "raid")?;
    let degraded = raid.series.first().context("a series")?;
    ensure!(raid.ok && degraded.labels.get("array").is_some_and(|it| it == "md0"), "{raid:?}");
    ensure!(degraded.value == Some(-1.0) && raid.exit_code == Some(0), "{raid:?}");
    let disk = plugin(&metrics, "disk")?;
    ensure!(disk.ok && disk.exit_code == Some(2) && disk.series.len() == 4, "{disk:?}");
    ensure!(plugin(&metrics, "queue")?.series[0].name == "mail_waiting");
    ensure!(plugin(&metrics, "apt.prom")?.modified_at.is_some());
    for (name, why) in [
        ("hangs", "did not end within timeout_secs (2)"),
        ("floods", "wrote more than max_output_bytes"),
        ("wrong", "wrong.toml, line 1: command must begin with an absolute path"),
        ("torn.prom", "may not be whole"),
    ] {
        ensure!(!plugin(&metrics, name)?.ok && failure(&metrics, name)?.contains(why), "{metrics:?}");
    }
    ensure!(metrics.data.system.memory.total_kb > 0, "others are untouched");
    let hello = client.hello(TIMEOUT).await?;
    let offered = hello.features.plugins.as_ref().context("plugins in hello")?;
    ensure!(offered.textfiles && offered.names.len() == 6 && offered.max_plugins == 64, "{offered:?}");
    ensure!(hello.capabilities.iter().any(|it| it.name == "plugins" && it.enabled), "{hello:?}");
    client.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_planted_where_all_may_write_is_not_run_and_the_agent_goes_on() -> Result<()> {
    let place = Place::new()?;
    let trace = place.0.path().join("it-was-run");
    let open = place.0.path().join("open");
    fs::create_dir(&open)?;
    let program =
        place.write("open/planted", &format!("#!/bin/sh\ntouch {}\necho '{{}}'\n", trace.display()))?;
    fs::set_permissions(&program, Permissions::from_mode(0o755))?;
    fs::set_permissions(&open, Permissions::from_mode(0o777))?;
    place.describe("planted", &format!("command = [\"{program}\"]\nformat = \"json\"\n"))?;
    let client = place.agent().await?;
    let metrics = told(&client, &["planted"]).await?;
    let why = failure(&metrics, "planted")?;
    ensure!(why.contains("is refused: its directory") && why.contains("mode 0777"), "{why}");
    ensure!(!Path::new(&trace).exists(), "it was run");
    client.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_plugins_the_metrics_are_as_they_were_and_hello_says_how_to_get_some() -> Result<()> {
    let agent = LocalAgent { agent: Some(binary::tested_agent()?), ..LocalAgent::default() };
    let client = Client::connect(Endpoint::Local(agent)).await?;
    let event = client.metrics_event(TIMEOUT).await?;
    // Programs may have the word on their command lines, in quotes of JSON.
    ensure!(!event.raw.contains(r#","plugins":"#), "{}", event.raw);
    let hello = client.hello(TIMEOUT).await?;
    let Some(offered) = hello.capabilities.iter().find(|it| it.name == "plugins") else { bail!("{hello:?}") };
    let reason = offered.reason.as_deref().unwrap_or_default();
    ensure!(!offered.enabled && reason.contains("no plugin is described in plugins_dir"), "{offered:?}");
    ensure!(hello.features.plugins.is_none());
    client.close().await;
    Ok(())
}
