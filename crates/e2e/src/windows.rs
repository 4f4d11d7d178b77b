//! The agent under Wine, on a COM port that is a pseudo-terminal, and the host's end of it.

use crate::harness::Environment;
use crate::messages::TIMEOUT;
use crate::qga::QgaHost;
use crate::{binary, messages};
use anyhow::{Context, Result, ensure};
use infinictl::client::{Client, Endpoint, Subscription, pty};
use infiniservice_lab::wine::{Prefix, Running};
use infiniservice_protocol::{Action, GuestMessage, Response};
use std::cell::RefCell;
use std::fs;
use std::future::Future;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// The port of every agent under test.
const PORT: u32 = 1;
/// That of the QEMU guest agent's protocol.
const QGA_PORT: u32 = 2;
/// Retries are quick, and heartbeats too, so that scenarios need not wait for either.
const QUICK: [&str; 6] =
    ["--set", "min_backoff_secs=1", "--set", "max_backoff_secs=1", "--set", "keep_alive_interval_secs=1"];
/// How often a condition is looked at that no event tells.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A Windows of Wine's, and a runtime for the client's tasks.
pub struct Windows {
    /// Registry, services and processes of its own.
    pub prefix: Prefix,
    /// The agent's program, as Windows names it.
    pub agent: String,
    runtime: Runtime,
    last_log: RefCell<PathBuf>,
}

impl Windows {
    /// Makes a prefix and puts the agent into it.
    fn set_up() -> Result<Self> {
        let prefix = Prefix::create(QGA_PORT)?;
        let agent = prefix.install(&binary::windows("infiniservice.exe", "INFINISERVICE_WINDOWS_AGENT")?)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self { prefix, agent, runtime, last_log: RefCell::default() })
    }

    /// Runs a future to its end.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Starts the agent in console mode, with `arguments` besides, and connects to it as a host.
    pub fn start(&self, arguments: &[&str]) -> Result<Agent<'_>> {
        let (client, slave) = self.host()?;
        let log = self.log_file();
        let all = [&["--console", "--device", "COM1"], &QUICK[..], arguments].concat();
        let running = self.prefix.start(&self.agent, &all, &log)?;
        Ok(Agent { windows: self, running, log, client: Some(client), slave: Some(slave) })
    }

    /// The same with a host of the QEMU guest agent's protocol on a port of its own besides.
    pub fn start_with_qga(&self, arguments: &[&str]) -> Result<(Agent<'_>, QgaHost)> {
        let mut qga = QgaHost::new()?;
        self.prefix.connect_port(QGA_PORT, Path::new(&qga.path))?;
        let agent = self.start(&[&["--qga-port", "COM2", "--set", "qga=true"], arguments].concat())?;
        qga.meet().with_context(|| agent.log().unwrap_or_default())?;
        Ok((agent, qga))
    }

    /// A new terminal on the port, and a host at its other end. The second value keeps the terminal raw.
    pub fn host(&self) -> Result<(Client, OwnedFd)> {
        let _entered = self.runtime.enter();
        let pair = pty::open()?;
        self.prefix.connect_port(PORT, &pair.path)?;
        Ok((self.wait(Client::connect(Endpoint::Pty(pair.master)))?, pair.slave))
    }

    /// A new file for an agent's log.
    pub fn log_file(&self) -> PathBuf {
        let path = self.prefix.drive_c().join("test/agent.log");
        self.last_log.replace(path.clone());
        path
    }

    /// Looks until `done` says so.
    pub fn until(&self, what: &str, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
        let start = Instant::now();
        while !done()? {
            ensure!(start.elapsed() < TIMEOUT, "{what}: not within {TIMEOUT:?}");
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }
}

impl Environment for Windows {
    const VARIABLE: &'static str = "INFINISERVICE_WINE";
    const NEEDS: &'static str = "run the Windows program under Wine";

    fn set_up() -> Result<Self> {
        Self::set_up()
    }

    fn agent_log(&self) -> Result<String> {
        Ok(fs::read_to_string(self.last_log.borrow().as_path()).unwrap_or_default())
    }
}

/// A running agent with its host.
pub struct Agent<'a> {
    windows: &'a Windows,
    /// Its process.
    pub running: Running,
    log: PathBuf,
    client: Option<Client>,
    slave: Option<OwnedFd>,
}

impl Agent<'_> {
    /// Its host.
    pub fn client(&self) -> Result<&Client> {
        self.client.as_ref().context("the host has left")
    }

    /// Sends an action and waits for its answer.
    pub fn request(&self, action: &Action) -> Result<Response> {
        Ok(self.windows.wait(self.client()?.request(action, TIMEOUT))?)
    }

    /// The same, where success is expected.
    pub fn succeed(&self, action: &Action) -> Result<Response> {
        let response = self.request(action)?;
        ensure!(response.success, "{action:?} failed: {response:?}");
        Ok(response)
    }

    /// Sends a line and waits for the answer with this id.
    pub fn answer_to(&self, id: &str, line: &str) -> Result<Response> {
        let mut events = self.client()?.subscribe();
        self.windows.wait(self.client()?.send_raw(format!("{line}\n")))?;
        self.message(&mut events, "the answer", |message| match message {
            GuestMessage::Response(response) if response.id == id => Some(response.clone()),
            _ => None,
        })
    }

    /// Waits for a message that `wanted` picks.
    pub fn message<T>(
        &self,
        events: &mut Subscription,
        what: &str,
        wanted: impl Fn(&GuestMessage) -> Option<T>,
    ) -> Result<T> {
        self.windows.wait(messages::first(events, what, wanted))
    }

    /// The host goes, and its terminal with it.
    pub fn lose_host(&mut self) -> Result<()> {
        self.windows.prefix.disconnect_port(PORT)?;
        if let Some(client) = self.client.take() {
            self.windows.wait(client.close());
        }
        self.slave = None;
        Ok(())
    }

    /// A host comes on a new terminal.
    pub fn find_host(&mut self) -> Result<()> {
        let (client, slave) = self.windows.host()?;
        (self.client, self.slave) = (Some(client), Some(slave));
        Ok(())
    }

    /// What it has logged so far.
    pub fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }

    /// Ends it by Ctrl-C; its whole log.
    pub fn stop(self) -> Result<String> {
        self.running.press_ctrl_c()?;
        let status = self.running.wait(TIMEOUT)?;
        let log = fs::read_to_string(&self.log)?;
        ensure!(status.success(), "it ended with {status}; its log:\n{log}");
        Ok(log)
    }
}
