//! A hub with simulated guests, and a browser on its page.

use infiniservice_hub_sim::{Fault, Guest, Options};
use infiniservice_lab::{Browser, Screen};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::task::LocalSet;

pub const LARGE: Screen = Screen { width: 1600, height: 900, dark: false };

/// Ends with the test.
pub struct Host {
    pub browser: Browser,
    pub url: String,
    _directory: TempDir,
    hub: Child,
    _guests: oneshot::Sender<()>,
}

/// Guests `sim-0000` and so on, of which the last ones have these faults.
pub fn start(count: usize, faults: &[Fault]) -> Host {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("guests")).unwrap();
    let guests = guests(&directory, count, faults);
    let (hub, url) = hub(&directory);
    let mut browser = Browser::start().unwrap();
    browser.screen(LARGE).unwrap();
    Host { browser, url, _directory: directory, hub, _guests: guests }
}

fn guests(directory: &TempDir, count: usize, faults: &[Fault]) -> oneshot::Sender<()> {
    let (guard, ended) = oneshot::channel();
    let sound = count - faults.len();
    let all = (0..count).map(|number| {
        let fault = number.checked_sub(sound).map_or(Fault::None, |at| faults[at]);
        let interval = Duration::from_secs(1);
        let name = format!("sim-{number:04}");
        let path = directory.path().join("guests").join(&name).with_extension("sock");
        (path, Guest::new(&name, Options { interval, fault, varied: true, ..Options::default() }))
    });
    let all: Vec<(PathBuf, Guest)> = all.collect();
    thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            for (path, guest) in all {
                let listener = UnixListener::bind(path).unwrap();
                tokio::task::spawn_local(guest.serve_on(listener));
            }
            // Dropped at the test's end.
            let _ended = ended.await;
        });
    });
    guard
}

fn hub(directory: &TempDir) -> (Child, String) {
    let at = directory.path().display();
    // Free at this moment; nobody else of this test's programs takes a port.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = format!(
        "sources = [\"{at}/guests/{{vm}}.sock\"]\napi_socket = \"{at}/api.sock\"\nwire_socket = \"{at}/wire.sock\"\n\
         listen = \"127.0.0.1:{port}\"\nsecrets_dir = \"{at}/secrets\"\n"
    );
    fs::write(directory.path().join("config.toml"), config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_infinihub"));
    command.arg("--config").arg(directory.path().join("config.toml"));
    let mut hub = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(hub.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains(" serves ") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "the hub has ended");
    }
    // What it says is read until its end, as it would wait otherwise.
    thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    (hub, format!("http://127.0.0.1:{port}"))
}

impl Host {
    /// Opens the page at this part, and waits until every machine that can be up is.
    pub fn open(&mut self, part: &str, up: usize) {
        self.browser.go(&format!("{}/{part}", self.url)).unwrap();
        self.sees(&format!("document.title.startsWith('{up} of ')"));
    }

    /// Waits until something is so on the page.
    pub fn sees(&mut self, expression: &str) {
        if let Err(error) = self.browser.wait_for(expression) {
            let text = self.browser.text("document.body.innerText").unwrap();
            panic!("{error}; the page says: {text}; problems: {:?}", self.problems());
        }
    }

    pub fn text(&mut self, expression: &str) -> String {
        self.browser.text(expression).unwrap()
    }

    pub fn press(&mut self, keys: &[&str]) {
        for key in keys {
            self.browser.press(key).unwrap();
        }
    }

    /// Ends the hub before its time.
    pub fn end_hub(&mut self) {
        self.hub.kill().unwrap();
        self.hub.wait().unwrap();
    }

    /// What went wrong on the page. A hub that has no jobs says so, which the browser notes.
    pub fn problems(&mut self) -> Vec<String> {
        let problems = self.browser.problems().unwrap();
        problems.into_iter().filter(|problem| !problem.contains("/v1/jobs")).collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _gone_or_not = self.hub.kill();
        let _ended = self.hub.wait();
    }
}
