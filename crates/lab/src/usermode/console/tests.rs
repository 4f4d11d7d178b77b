//! The device as a guest's driver and a host's programs see it.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::Console;
use super::control::Event::{DeviceReady, PortAdd, PortName, PortOpen, PortReady, PortRemove};
use super::driver::Driver;
use super::guest::{MAX_PORTS, queues_of};

/// How long the other end may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A device with the ports `one` and `two`.
struct Host {
    console: Console,
    dir: TempDir,
}

impl Host {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name| dir.path().join(name);
        let (one, two) = (path("one"), path("two"));
        let console = Console::start(&path("device"), &[("one", &one), ("two", &two)]).unwrap();
        Self { console, dir }
    }

    fn device(&self) -> PathBuf {
        self.dir.path().join("device")
    }

    fn connect(&self, port: &str) -> UnixStream {
        let client = UnixStream::connect(self.dir.path().join(port)).unwrap();
        client.set_read_timeout(Some(TIMEOUT)).unwrap();
        client
    }
}

/// A driver that knows both ports.
fn booted(host: &Host) -> Driver {
    let mut driver = Driver::connect(&host.device());
    driver.tell(0, DeviceReady, true);
    for port in [1, 2] {
        assert_eq!(driver.told(), (port, PortAdd, 1));
    }
    for port in [1, 2] {
        driver.tell(port, PortReady, true);
        assert_eq!(driver.told(), (port, PortName, 1));
    }
    driver
}

fn read(client: &mut UnixStream, count: usize) -> String {
    let mut bytes = vec![0; count];
    client.read_exact(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_guest_learns_how_many_ports_there_may_be_and_what_they_are_called() {
    let host = Host::start();
    let mut driver = Driver::connect(&host.device());
    let asked = [0, 8, 0].map(u32::to_ne_bytes).concat();
    let configuration = driver.ask(24, &[asked, vec![0; 8]].concat());
    assert_eq!(configuration.get(16..), Some(MAX_PORTS.to_le_bytes().as_slice()));
    driver.tell(0, DeviceReady, true);
    assert_eq!([driver.told(), driver.told()], [(1, PortAdd, 1), (2, PortAdd, 1)]);
    driver.tell(2, PortReady, true);
    assert_eq!(driver.told_bytes(), b"\x02\0\0\0\x07\0\x01\0two\0");
}

#[test]
fn the_guest_learns_that_the_host_comes_and_goes() {
    let host = Host::start();
    let mut driver = booted(&host);
    for _ in 0..3 {
        let client = host.connect("two");
        assert_eq!(driver.told(), (2, PortOpen, 1));
        drop(client);
        assert_eq!(driver.told(), (2, PortOpen, 0));
    }
}

#[test]
fn bytes_flow_both_ways_and_a_second_client_waits() {
    let host = Host::start();
    let mut driver = booted(&host);
    let (to_guest, from_guest) = queues_of(1);
    driver.tell(1, PortOpen, true);
    let mut first = host.connect("one");
    assert_eq!(driver.told(), (1, PortOpen, 1));
    let mut second = host.connect("one");
    second.write_all(b"second").unwrap();
    first.write_all(b"first").unwrap();
    assert_eq!(driver.received(to_guest), b"first");
    driver.send_bytes(from_guest, b"answer");
    assert_eq!(read(&mut first, 6), "answer");
    drop(first);
    assert_eq!([driver.told(), driver.told()], [(1, PortOpen, 0), (1, PortOpen, 1)]);
    assert_eq!(driver.received(to_guest), b"second");
}

#[test]
fn what_a_client_says_waits_until_a_program_has_the_port_open() {
    let host = Host::start();
    let mut driver = booted(&host);
    let mut client = host.connect("one");
    client.write_all(b"early").unwrap();
    assert_eq!(driver.told(), (1, PortOpen, 1));
    driver.tell(1, PortOpen, true);
    assert_eq!(driver.received(queues_of(1).0), b"early");
}

#[test]
fn what_the_guest_says_to_nobody_is_lost_and_its_buffer_comes_back() {
    let host = Host::start();
    let mut driver = booted(&host);
    let from_guest = queues_of(2).1;
    driver.send_bytes(from_guest, b"lost");
    let mut client = host.connect("two");
    assert_eq!(driver.told(), (2, PortOpen, 1));
    driver.send_bytes(from_guest, b"kept");
    assert_eq!(read(&mut client, 4), "kept");
}

#[test]
fn more_than_a_buffer_holds_comes_in_order() {
    let host = Host::start();
    let mut driver = booted(&host);
    driver.tell(1, PortOpen, true);
    let sent: Vec<u8> = (0..10_000_u32).map(|n| n as u8).collect();
    let mut client = host.connect("one");
    let bytes = sent.clone();
    let writer = std::thread::spawn(move || client.write_all(&bytes).map(|()| client));
    let mut seen = Vec::new();
    while seen.len() < sent.len() {
        seen.extend(driver.received(queues_of(1).0));
    }
    assert!(seen == sent, "{} bytes, not the same", seen.len());
    drop(writer.join().unwrap().unwrap());
}

#[test]
fn a_port_is_pulled_out_and_put_back_under_another_name() {
    let host = Host::start();
    let mut driver = booted(&host);
    host.console.unplug(1).unwrap();
    assert_eq!(driver.told(), (1, PortRemove, 1));
    assert!(host.console.unplug(1).is_err());
    let _client = host.connect("one");
    host.console.plug(1, "other").unwrap();
    assert_eq!(driver.told(), (1, PortAdd, 1));
    assert!(host.console.plug(1, "third").is_err());
    driver.tell(1, PortReady, true);
    assert!(driver.told_bytes().ends_with(b"other\0"));
    assert_eq!(driver.told(), (1, PortOpen, 1), "who connected meanwhile is there");
}

#[test]
fn a_guest_that_boots_again_finds_the_same_client() {
    let host = Host::start();
    let mut driver = booted(&host);
    let mut client = host.connect("one");
    assert_eq!(driver.told(), (1, PortOpen, 1));
    let boots = host.console.boots();
    drop(driver);
    let mut driver = Driver::connect(&host.device());
    host.console.wait_boot(boots, TIMEOUT).unwrap();
    client.write_all(b"still here").unwrap();
    driver.tell(0, DeviceReady, true);
    assert_eq!([driver.told(), driver.told()], [(1, PortAdd, 1), (2, PortAdd, 1)]);
    driver.tell(1, PortReady, true);
    assert_eq!([driver.told(), driver.told()], [(1, PortName, 1), (1, PortOpen, 1)]);
    driver.tell(1, PortOpen, true);
    assert_eq!(driver.received(queues_of(1).0), b"still here");
}

#[test]
fn a_guest_that_talks_nonsense_is_let_go_and_the_next_is_served() {
    let host = Host::start();
    let mut nonsense = UnixStream::connect(host.device()).unwrap();
    nonsense.set_read_timeout(Some(TIMEOUT)).unwrap();
    nonsense.write_all(&[0xff; 12]).unwrap();
    assert!(matches!(nonsense.read(&mut [0]), Ok(0) | Err(_)));
    drop(booted(&host));
}
