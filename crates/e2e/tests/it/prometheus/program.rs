//! The real Prometheus on loopback, and questions to it.

use super::{installed, packaging};
use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Running;
use infiniservice_e2e::running::free_address;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// It ends with this value.
pub struct Prometheus {
    _program: Running,
    address: SocketAddr,
    _data: TempDir,
}

impl Prometheus {
    /// Starts one that scrapes this hub, one that is not there, and these machines by other names; `None` where it is not
    /// installed.
    pub fn start(hub: SocketAddr, nodes: &[&str]) -> Result<Option<Self>> {
        Self::with_alertmanager(hub, nodes, None)
    }

    /// The same, which sends its alerts there.
    pub fn with_alertmanager(
        hub: SocketAddr,
        nodes: &[&str],
        alertmanager: Option<SocketAddr>,
    ) -> Result<Option<Self>> {
        let Some(program) = installed("prometheus") else { return Ok(None) };
        let data = tempfile::tempdir()?;
        fs::write(
            data.path().join("rules.yml"),
            impatient(&fs::read_to_string(packaging("prometheus/rules.yml"))?),
        )?;
        let alerting = alertmanager.map_or_else(String::new, alerting);
        fs::write(data.path().join("prometheus.yml"), configuration(hub, nodes) + &alerting)?;
        let address = free_address()?;
        let child = Command::new(program)
            .arg(format!("--config.file={}", data.path().join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", data.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=error")
            .current_dir(data.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("prometheus cannot be started")?;
        Ok(Some(Self { _program: Running(child), address, _data: data }))
    }

    /// The series that an expression has now.
    pub fn query(&self, expression: &str) -> Result<Vec<Value>> {
        let mut answer =
            self.ask("query", &format!("query={}", encoded(expression))).context(expression.to_owned())?;
        match answer["data"]["result"].take() {
            Value::Array(series) => Ok(series),
            other => anyhow::bail!("{expression}: {other}"),
        }
    }

    /// The answer to a question of its API.
    pub fn ask(&self, path: &str, form: &str) -> Result<Value> {
        let method = if form.is_empty() { "GET" } else { "POST" };
        let mut stream = TcpStream::connect(self.address)?;
        write!(
            stream,
            "{method} /api/v1/{path} HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            form.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        let body: Value = serde_json::from_str(body).with_context(|| body.to_owned())?;
        ensure!(body["status"] == "success", "{body}");
        Ok(body)
    }
}

/// The rules, firing as soon as what they look for is there: each `for:` of more than no time is taken out.
fn impatient(rules: &str) -> String {
    let at_once = |line: &str| match line.split_once("for: ") {
        Some((indent, _)) if indent.trim().is_empty() => format!("{indent}for: 0s\n"),
        _ => format!("{line}\n"),
    };
    rules.lines().map(at_once).collect()
}

fn configuration(hub: SocketAddr, nodes: &[&str]) -> String {
    let nodes = nodes.join(", ");
    format!(
        r#"global: {{ scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms }}
rule_files: [rules.yml]
scrape_configs:
  - job_name: infinihub
    static_configs: [{{ targets: ["{hub}", "127.0.0.1:1"] }}]
  - job_name: node
    metrics_path: /metrics
    params: {{ names: [node] }}
    static_configs: [{{ targets: [{nodes}] }}]
    relabel_configs:
      - {{ source_labels: [__address__], target_label: __param_vm }}
      - {{ source_labels: [__param_vm], target_label: instance }}
      - {{ target_label: __address__, replacement: "{hub}" }}
"#
    )
}

fn alerting(alertmanager: SocketAddr) -> String {
    format!("alerting:\n  alertmanagers:\n    - static_configs: [{{ targets: [\"{alertmanager}\"] }}]\n")
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        let _ = if byte.is_ascii_alphanumeric() {
            write!(out, "{}", byte as char)
        } else {
            write!(out, "%{byte:02X}")
        };
        out
    })
}
