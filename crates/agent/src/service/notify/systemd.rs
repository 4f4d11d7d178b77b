//! `sd_notify(3)`: READY, STATUS, WATCHDOG, RELOADING, STOPPING. Does nothing outside a unit of `Type=notify`.

use sd_notify::NotifyState;
use std::env;
use std::ffi::OsStr;
use std::fmt::Write;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// A service manager that takes nothing for this long is passed over this time; the loop has other work.
const TIMEOUT: Duration = Duration::from_millis(100);

/// The service manager's ear.
#[derive(Debug)]
pub struct Notifier {
    manager: Option<Manager>,
    watchdog: Option<Duration>,
    last_fed: Duration,
    status: String,
}

impl Notifier {
    /// Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` from the environment.
    pub fn from_environment() -> Self {
        let manager = env::var_os("NOTIFY_SOCKET").and_then(|name| {
            Manager::new(&name)
                .inspect_err(|error| log::warn!("service manager at {}: {error}", name.display()))
                .ok()
        });
        Self {
            manager,
            watchdog: sd_notify::watchdog_enabled(),
            last_fed: Duration::ZERO,
            status: String::new(),
        }
    }

    /// The service runs. Told before the first contact with a host, which may never come.
    pub fn ready(&self) {
        self.send(&[NotifyState::Ready]);
    }

    /// One line for `systemctl status`; told only when it differs from the last.
    pub fn status(&mut self, text: String) {
        if text != self.status {
            self.send(&[NotifyState::Status(&text)]);
            self.status = text;
        }
    }

    /// The configuration is being read again. `Type=notify-reload` asks for the time with it.
    pub fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.send(&[NotifyState::Reloading, now]),
            Err(_) => self.send(&[NotifyState::Reloading]),
        }
    }

    /// The service is on its way out.
    pub fn stopping(&self) {
        self.send(&[NotifyState::Stopping]);
    }

    /// When the watchdog must be fed at the latest: at half its time, as `sd_watchdog_enabled(3)` advises.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.watchdog.map(|period| self.last_fed + period / 2)
    }

    /// Feeds the watchdog when a quarter of its time has passed. Called by the main loop only, so that a loop that
    /// hangs is noticed.
    pub fn feed(&mut self, now: Duration) {
        if self.watchdog.is_some_and(|period| now >= self.last_fed + period / 4) {
            self.last_fed = now;
            self.send(&[NotifyState::Watchdog]);
        }
    }

    fn send(&self, states: &[NotifyState<'_>]) {
        let Some(manager) = &self.manager else { return };
        if let Err(error) = manager.send(states) {
            log::debug!("cannot notify the service manager: {error}");
        }
    }
}

/// A socket to the service manager, kept: without a free descriptor the watchdog is fed all the same, which
/// `sd_notify::notify`, with a socket for each message, could not.
#[derive(Debug)]
struct Manager {
    socket: UnixDatagram,
    address: SocketAddr,
}

impl Manager {
    /// `name` as `sd_notify(3)` has it: a path, or `@` and a name of the abstract namespace.
    fn new(name: &OsStr) -> io::Result<Self> {
        let address = match name.as_bytes().strip_prefix(b"@") {
            Some(abstract_name) => SocketAddr::from_abstract_name(abstract_name)?,
            None => SocketAddr::from_pathname(name)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self { socket, address })
    }

    fn send(&self, states: &[NotifyState<'_>]) -> io::Result<()> {
        let mut message = String::new();
        for state in states {
            let _never_fails = writeln!(message, "{state}");
        }
        loop {
            match self.socket.send_to_addr(message.as_bytes(), &self.address) {
                // With a time limit the system does not go on by itself (signal(7)).
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => return sent.map(drop),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 256];
        let count = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..count]).into_owned()
    }

    fn notifier(name: &OsStr) -> Notifier {
        let watchdog = Some(Duration::from_mins(1));
        let manager = Some(Manager::new(name).unwrap());
        Notifier { manager, watchdog, last_fed: Duration::ZERO, status: String::new() }
    }

    #[test]
    fn a_status_is_told_once_and_the_watchdog_fed_at_a_quarter_of_its_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let mut notifier = notifier(path.as_os_str());
        notifier.ready();
        notifier.status("Connected".into());
        notifier.status("Connected".into());
        notifier.feed(Duration::from_secs(14));
        notifier.feed(Duration::from_secs(15));
        notifier.stopping();
        let all: Vec<String> = (0..4).map(|_| heard(&manager)).collect();
        assert_eq!(all, ["READY=1\n", "STATUS=Connected\n", "WATCHDOG=1\n", "STOPPING=1\n"]);
        manager.set_nonblocking(true).unwrap();
        assert!(manager.recv(&mut [0; 16]).is_err());
    }

    #[test]
    fn names_of_the_abstract_namespace_begin_with_an_at_sign() {
        let name = format!("infiniservice-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        notifier(OsStr::new(&format!("@{name}"))).ready();
        assert_eq!(heard(&manager), "READY=1\n");
    }

    #[test]
    fn a_manager_that_went_or_hears_nothing_holds_nobody_up_for_long() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let deaf = UnixDatagram::bind(&path).unwrap();
        let manager = Manager::new(path.as_os_str()).unwrap();
        let full = (0..100_000).find_map(|_| manager.send(&[NotifyState::Watchdog]).err());
        assert_eq!(full.map(|error| error.kind()), Some(io::ErrorKind::WouldBlock));
        drop(deaf);
        assert!(manager.send(&[NotifyState::Watchdog]).is_err());
    }
}
