//! A hub of our own, and guests for it.

pub mod certificates;
mod systemd;

use command_fds::CommandFdExt as _;
use infinictl::client::{Client, Endpoint};
use infinictl::hub::Api;
use infiniservice_hub_sim::{Guest, Options};
use serde_json::Value;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
pub use systemd::Systemd;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;
use tokio::task::AbortHandle;

/// How long anything may take: a cluster that has lost its leader takes most of a minute where other programs want the processors.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// A host with a hub and simulated guests; all of it ends with this.
pub struct Host {
    pub directory: TempDir,
    hub: Option<Child>,
    tasks: Vec<(String, AbortHandle)>,
    /// What starts the hub, where it is to be more than its parent.
    pub systemd: Option<Systemd>,
    /// What enters the network that the hub is to be in, where that is another one.
    pub network: Vec<String>,
}

impl Host {
    /// With no hub yet.
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("guests")).unwrap();
        let root = directory.path().display();
        let config = format!(
            "sources = [\"{root}/guests/{{vm}}.sock\", \"{root}/other/{{vm}}.sock\"]\napi_socket = \"{root}/api.sock\"\n\
             wire_socket = \"{root}/wire.sock\"\nsecrets_dir = \"{root}/secrets\"\nstate_dir = \"{root}/state\"\nlisten = \"\"\n"
        );
        std::fs::write(directory.path().join("config.toml"), config).unwrap();
        Self { directory, hub: None, tasks: Vec::new(), systemd: None, network: Vec::new() }
    }

    /// Adds to the hub's settings.
    pub fn configure(&self, more: &str) {
        let mut file = std::fs::File::options().append(true).open(self.path("config.toml")).unwrap();
        file.write_all(more.as_bytes()).unwrap();
    }

    /// With a hub, and these guests, of which it knows who they are and how they are.
    pub async fn with(guests: &[&str]) -> (Self, Vec<Guest>) {
        Self::configured("", guests).await
    }

    /// The same, with more settings.
    pub async fn configured(settings: &str, guests: &[&str]) -> (Self, Vec<Guest>) {
        let mut host = Self::new();
        host.configure(settings);
        let guests: Vec<_> = guests.iter().map(|name| host.guest(name, quick())).collect();
        host.start().await;
        for guest in &guests {
            host.event("connected", guest.name()).await;
            // What a client has got the hub has seen.
            let client = host.client(guest.name()).await;
            client.hello(PATIENCE).await.unwrap();
            client.metrics(PATIENCE).await.unwrap();
        }
        (host, guests)
    }

    /// Starts the hub, and waits until its API answers.
    pub async fn start(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        // A file that must not grow is then an error, as on a full disk, and not the end.
        let script = "trap '' XFSZ; LISTEN_PID=$$; export LISTEN_PID; exec \"$0\" \"$@\"";
        let words = ["/bin/sh", "-c", script, env!("CARGO_BIN_EXE_infinihub")];
        let mut words = self.network.iter().map(String::as_str).chain(words);
        let mut command = Command::new(words.next().unwrap());
        command.args(words);
        command.arg("--config").arg(self.path("config.toml")).stdout(Stdio::null()).stderr(log);
        if let Some(systemd) = &self.systemd {
            command.envs(systemd.variables()).fd_mappings(systemd.descriptors()).unwrap();
        }
        self.hub = Some(command.spawn().unwrap());
        // The socket's directory tells when it is there; the connection then waits for the hub by itself.
        let served = async {
            while self.api().get("/healthz").await.is_err_and(|error| error.to_string().contains("reach")) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, served).await.unwrap_or_else(|_| panic!("no hub: {}", self.log()));
    }

    /// Ends the hub without a warning.
    pub fn kill(&mut self) {
        if let Some(mut hub) = self.hub.take() {
            hub.kill().unwrap();
            hub.wait().unwrap();
        }
    }

    /// Ends the hub in order.
    pub fn stop(&mut self) {
        let mut hub = self.hub.take().unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_child(&hub), rustix::process::Signal::TERM)
            .unwrap();
        assert!(hub.wait().unwrap().success(), "{}", self.log());
    }

    /// The same with a hub that systemd starts, with a store for descriptors.
    pub async fn with_store(guests: &[&str]) -> (Self, Vec<Guest>) {
        let mut host = Self::new();
        host.systemd = Some(Systemd::new(&host.path("notify")));
        let guests: Vec<_> = guests.iter().map(|name| host.guest(name, quick())).collect();
        host.start().await;
        for guest in &guests {
            host.event("connected", guest.name()).await;
        }
        (host, guests)
    }

    /// The value of a series of the hub's.
    pub async fn series(&self, name: &str) -> f64 {
        let text = self.text("/metrics").await;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {text:.3000}")).parse().unwrap()
    }

    /// The text at an address, as curl would get it.
    pub async fn text(&self, address: &str) -> String {
        let mut stream = tokio::net::UnixStream::connect(self.path("api.sock")).await.unwrap();
        let request = format!("GET {address} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Looks at a machine until it is as wanted.
    pub async fn until(&self, vm: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let looked = async {
            loop {
                if let Some(machine) = self.api().get(&format!("/v1/vms/{vm}")).await.ok().filter(&wanted) {
                    return machine;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, looked)
            .await
            .unwrap_or_else(|_| panic!("{vm} is not {what}: {}", self.log()))
    }

    /// The hub's process.
    pub fn pid(&self) -> u32 {
        self.hub.as_ref().unwrap().id()
    }

    /// A guest whose socket is there from now on.
    pub fn guest(&mut self, name: &str, options: Options) -> Guest {
        let guest = Guest::new(name, options);
        let listener = UnixListener::bind(self.path("guests").join(name).with_extension("sock")).unwrap();
        let task = tokio::spawn(guest.clone().serve_on(listener)).abort_handle();
        self.tasks.push((name.to_owned(), task));
        guest
    }

    /// A guest leaves this host, its socket with it.
    pub fn remove(&mut self, name: &str) {
        std::fs::remove_file(self.path("guests").join(name).with_extension("sock")).unwrap();
        for (_, task) in self.tasks.extract_if(.., |(it, _)| it == name) {
            task.abort();
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn api(&self) -> Api {
        Api::new(&self.path("api.sock"))
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// A client of a machine, through the hub.
    pub async fn client(&self, vm: &str) -> Client {
        Client::connect(Endpoint::Hub { socket: self.path("wire.sock"), vm: vm.to_owned() }).await.unwrap()
    }

    /// Waits for an event of this kind of a machine, and gives it.
    pub async fn event(&self, kind: &str, vm: &str) -> Value {
        let api = self.api();
        let mut found = Value::Null;
        let followed = api.follow("/v1/events?after=0", |_, event| {
            let is_it = event["kind"] == kind && event["vm"] == vm;
            if is_it {
                found = event.clone();
            }
            !is_it
        });
        let waited = tokio::time::timeout(PATIENCE, followed).await;
        waited.unwrap_or_else(|_| panic!("no {kind} of {vm}: {}", self.log())).unwrap();
        found
    }

    /// A machine as the API tells it.
    pub async fn machine(&self, vm: &str) -> Value {
        self.api().get(&format!("/v1/vms/{vm}")).await.unwrap()
    }

    /// Resident memory of the hub, in bytes, at its highest.
    pub fn peak_memory(&self) -> u64 {
        let pid = self.hub.as_ref().unwrap().id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.kill();
        self.tasks.iter().for_each(|(_, task)| task.abort());
    }
}

/// Figures ten times a second, so that nothing is waited for.
pub fn quick() -> Options {
    Options { interval: Duration::from_millis(100), ..Options::default() }
}
