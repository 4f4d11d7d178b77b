//! Answers scrapes on loopback, as `infinihub` does: `/metrics`, and `/metrics?vm=NAME&names=node` for one machine. An exporter that
//! has every trouble is told there, too.

use super::guests::Guests;
use infiniservice_hub_core::exporter::{Exporter, Hearing, OfHub, Reason};
use infiniservice_hub_core::exposition::{CONTENT_TYPE, Exposition, Options, Program};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// How long a scrape is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server; its thread ends with the tests' program.
pub struct Server {
    pub address: SocketAddr,
    scrapes: Receiver<()>,
}

impl Server {
    /// Starts it.
    pub fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (told, scrapes) = channel();
        thread::spawn(move || serve(&listener, &told));
        Ok(Self { address, scrapes })
    }

    /// Waits for the next scrape of all machines.
    pub fn next_scrape(&self) {
        self.scrapes.recv_timeout(PATIENCE).expect("Prometheus scrapes");
    }
}

fn serve(listener: &TcpListener, told: &Sender<()>) {
    let (mut guests, mut exposition) = (Guests::new(), Exposition::default());
    for stream in listener.incoming().flatten() {
        // A client that leaves is none of our concern.
        let _gone = answer(stream, &mut guests, &mut exposition, told);
    }
}

fn answer(
    mut stream: TcpStream,
    guests: &mut Guests,
    exposition: &mut Exposition,
    told: &Sender<()>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for header in lines.by_ref() {
        if header?.is_empty() {
            break;
        }
    }
    let text = if let Some(name) = machine(&request) {
        exposition.node(&guests.fleet, guests.now(), name).map(str::to_owned)
    } else {
        guests.step();
        let (now, options) = (guests.now(), Options::default());
        let own = exposition.exporter(std::iter::empty(), &exporter(now.mono), now, options).to_owned();
        Some(own + exposition.fleet(&guests.fleet, &Program::default(), now, options))
    };
    let status = if text.is_some() { "200 OK" } else { "503 Service Unavailable" };
    let text = text.unwrap_or_else(|| "the agent of this machine does not speak\n".to_owned());
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        text.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(text.as_bytes())?;
    if machine(&request).is_none() {
        let _ended = told.send(());
    }
    Ok(())
}

/// One without an engine, of which a hub is gone, and to which others tell nothing, or nothing that it can use.
fn exporter(since: Duration) -> Exporter {
    let hearings = [("gone", Hearing::Gone), ("off", Hearing::Off)];
    let hubs = hearings.map(|(name, hearing)| OfHub { name: name.into(), hearing, message_age: Some(since) });
    let dropped = [since.as_secs(); Reason::ALL.len()];
    Exporter { hubs: hubs.to_vec(), dropped, claimed_twice: 1, ..Exporter::default() }
}

/// The machine of `GET /metrics?names=node&vm=NAME HTTP/1.1`.
fn machine(request: &str) -> Option<&str> {
    let (_, query) = request.split(' ').nth(1)?.split_once('?')?;
    query.split('&').find_map(|part| part.strip_prefix("vm="))
}
