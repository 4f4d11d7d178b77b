//! What an open port promises, on a pseudo-terminal, and on a socket pair that hangs up as a virtio port does.

use super::super::outcome::Outcome;
use super::super::{Port, ReadOutcome, WriteOutcome};
use super::LinuxPort;
use super::node::Kind;
use super::open::open;
use super::port::PreferredPort;
use super::test_pty::Host;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

const SYS: &str = "/sys";
/// Simulated: the clock is paused, and moves only while nothing is ready.
const HOURS: Duration = Duration::from_hours(10);

fn open_slave(host: &Host) -> LinuxPort {
    open(&host.slave, Path::new(SYS)).unwrap()
}

/// A descriptor with the kernel behaviour of a virtio port when its host goes: `IN|HUP`, and reads of 0 bytes.
fn virtio_like() -> (LinuxPort, UnixStream) {
    let (guest, host) = UnixStream::pair().unwrap();
    guest.set_nonblocking(true).unwrap();
    (LinuxPort::new(guest.into(), Kind::VirtioPort, "/dev/vport0p1".into()).unwrap(), host)
}

async fn read_until_blocked(port: &mut LinuxPort, wanted: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while bytes.len() < wanted {
        match port.try_read(&mut buffer) {
            ReadOutcome::Data(count) => bytes.extend_from_slice(&buffer[..count]),
            ReadOutcome::WouldBlock => {
                port.ready().await.unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
    bytes
}

#[tokio::test(start_paused = true)]
async fn an_idle_port_wakes_nobody() {
    let host = Host::new();
    let mut port = open_slave(&host);
    port.ready().await.unwrap(); // The first edge: there is room to write.
    let before = port.wakeups();
    assert!(timeout(HOURS, port.ready()).await.is_err());
    assert_eq!(port.wakeups(), before);
}

#[tokio::test(start_paused = true)]
async fn a_hang_up_is_one_wake_up_and_then_silence() {
    let host = Host::new();
    let mut port = open_slave(&host);
    port.ready().await.unwrap();
    drop(host);
    assert!(port.ready().await.unwrap().readable);
    assert!(matches!(port.try_read(&mut [0; 16]), ReadOutcome::Gone));
    assert!(matches!(port.try_write(b"x"), WriteOutcome::Gone));
    let before = port.wakeups();
    assert!(timeout(HOURS, port.ready()).await.is_err());
    assert_eq!(port.wakeups(), before);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_goes_is_told_once_after_its_last_words() {
    let (mut port, mut host) = virtio_like();
    port.ready().await.unwrap();
    assert_eq!(port.host(), Some(true));
    host.write_all(b"last words").unwrap();
    drop(host);
    let ready = port.ready().await.unwrap();
    assert!(ready.readable);
    assert_eq!(ready.host, Some(false));
    let mut buffer = [0; 64];
    assert!(matches!(port.try_read(&mut buffer), ReadOutcome::Data(10)));
    assert!(matches!(port.try_read(&mut buffer), ReadOutcome::HostAway));
    assert_eq!(port.host(), Some(false));
    let before = port.wakeups();
    assert!(timeout(HOURS, port.ready()).await.is_err());
    assert_eq!(port.wakeups(), before);
}

#[tokio::test]
async fn a_superseded_port_is_gone_and_says_nothing_false_about_its_host() {
    let (port, host) = virtio_like();
    let successor = Arc::new(PreferredPort::default());
    let mut port = port.until(&successor);
    drop(host);
    assert_eq!(port.ready().await.unwrap().host, Some(false));
    successor.announce();
    let ready = port.ready().await.unwrap();
    assert_eq!((ready.readable, ready.host), (true, Some(false)));
    assert!(matches!(port.try_read(&mut [0; 16]), ReadOutcome::Gone));
    assert!(matches!(port.try_write(b"x"), WriteOutcome::Gone));
}

#[tokio::test]
async fn bytes_pass_unchanged_in_both_directions() {
    let mut host = Host::new();
    let mut port = open_slave(&host);
    let every: Vec<u8> = (0..=255).collect();
    host.send(&every);
    assert_eq!(read_until_blocked(&mut port, every.len()).await, every);
    assert!(matches!(port.try_write(&every), WriteOutcome::Wrote(256)));
    assert_eq!(host.receive(every.len()), every);
}

#[tokio::test]
async fn a_partial_write_is_resumed_when_there_is_room_again() {
    let mut host = Host::new();
    let mut port = open_slave(&host);
    let sent: Vec<u8> = (0..200_000_u32).map(|i| (i % 251) as u8).collect();
    let expected = sent.clone();
    // Nobody reads until the terminal is full.
    let mut done = 0;
    while let WriteOutcome::Wrote(count) = port.try_write(&sent[done..]) {
        done += count;
    }
    assert!(done < sent.len(), "never filled: nothing is resumed");
    let reader = std::thread::spawn(move || host.receive(200_000));
    while done < sent.len() {
        match port.try_write(&sent[done..]) {
            WriteOutcome::Wrote(count) => done += count,
            WriteOutcome::WouldBlock => while !port.ready().await.unwrap().writable {},
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(reader.join().unwrap(), expected);
}

#[tokio::test]
async fn data_flows_again_after_the_host_was_replaced_at_the_same_path() {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("agent");
    for round in [&b"before"[..], &b"after"[..]] {
        let mut host = Host::new().at(&link);
        let mut port = open(&link, Path::new(SYS)).unwrap();
        assert_eq!((port.path(), port.host()), (link.as_path(), None));
        host.send(round);
        assert_eq!(read_until_blocked(&mut port, round.len()).await, round);
        assert!(matches!(port.try_write(round), WriteOutcome::Wrote(_)));
        assert_eq!(host.receive(round.len()), round);
        drop(host);
        while !matches!(port.try_read(&mut [0; 64]), ReadOutcome::Gone) {
            port.ready().await.unwrap();
        }
    }
    assert_eq!(open(&link, Path::new(SYS)).unwrap_err(), Outcome::Absent);
}

#[tokio::test]
async fn what_cannot_carry_the_link_is_refused_by_what_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let cases = [
        (fifo.as_path(), "a FIFO"),
        (&file, "a regular file"),
        (Path::new("/dev/null"), "a character device"),
    ];
    for (path, what) in cases {
        let Err(Outcome::Refused(text)) = open(path, Path::new(SYS)) else { panic!("{what} was taken") };
        assert!(text.starts_with(what), "{text}");
    }
}
