//! A vsock port's promises, over Unix sockets in its place: the tests' machines have no loopback for vsock. Whose a connection is
//! stands in its first byte.

use super::super::vsock::Address;
use super::super::{Port, ReadOutcome, WriteOutcome};
use super::vsock::VsockPort;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// Nothing is measured by it: what must not happen would have happened by then.
const WHILE: Duration = Duration::from_millis(30);
const HOST: u8 = 2;

/// A port, and where its hosts connect.
struct Place {
    port: VsockPort,
    path: PathBuf,
    _directory: TempDir,
}

fn accept(listener: &OwnedFd) -> io::Result<(OwnedFd, u32)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let fd = rustix::net::accept_with(listener, flags)?;
    let mut whose = [0];
    match rustix::io::read(&fd, &mut whose) {
        Ok(1) => Ok((fd, u32::from(whose[0]))),
        _ => Err(Errno::CONNABORTED.into()),
    }
}

fn place() -> Place {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let listener = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap();
    rustix::net::bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    rustix::net::listen(&listener, 32).unwrap();
    let port = VsockPort::over(listener, accept, u32::from(HOST), Path::new("vsock:1024")).unwrap();
    Place { port, path, _directory: directory }
}

impl Place {
    fn connect(&self, cid: u8) -> UnixStream {
        let mut stream = UnixStream::connect(&self.path).unwrap();
        stream.write_all(&[cid]).unwrap();
        stream
    }

    /// The next host of whom the port tells.
    async fn host_comes(&mut self) {
        while self.port.ready().await.unwrap().host != Some(true) {}
    }

    /// Reads to the host's end.
    async fn read_to_end(&mut self) -> Vec<u8> {
        let (mut all, mut buffer) = (Vec::new(), [0; 64]);
        loop {
            match self.port.try_read(&mut buffer) {
                ReadOutcome::Data(count) => all.extend_from_slice(&buffer[..count]),
                ReadOutcome::WouldBlock => drop(self.port.ready().await.unwrap()),
                ReadOutcome::HostAway => return all,
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn without_a_host_it_waits_and_takes_nothing() {
    let mut place = place();
    assert_eq!(place.port.host(), Some(false));
    assert!(matches!(place.port.try_read(&mut [0; 8]), ReadOutcome::WouldBlock));
    assert!(matches!(place.port.try_write(b"x"), WriteOutcome::WouldBlock));
    assert!(tokio::time::timeout(WHILE, place.port.ready()).await.is_err(), "no wake-up without a host");
    assert_eq!(place.port.path(), Path::new("vsock:1024"));
}

#[tokio::test]
async fn a_host_comes_speaks_and_goes_and_the_next_one_may_come() {
    let mut place = place();
    for round in 0..3_u8 {
        let mut host = place.connect(HOST);
        place.host_comes().await;
        assert_eq!(place.port.host(), Some(true));
        assert!(matches!(place.port.try_write(b"hello\n"), WriteOutcome::Wrote(6)));
        let mut heard = [0; 6];
        host.read_exact(&mut heard).unwrap();
        host.write_all(&[b'a' + round; 100]).unwrap();
        drop(host);
        assert_eq!(place.read_to_end().await, [b'a' + round; 100], "what it wrote before it went is read");
        assert_eq!(place.port.host(), Some(false));
    }
}

#[tokio::test]
async fn a_second_host_waits_until_the_first_has_gone() {
    let mut place = place();
    let mut first = place.connect(HOST);
    place.host_comes().await;
    let mut second = place.connect(HOST);
    second.write_all(b"second").unwrap();
    first.write_all(b"first").unwrap();
    first.shutdown(Shutdown::Both).unwrap();
    assert_eq!(place.read_to_end().await, b"first");
    place.host_comes().await;
    drop(second);
    assert_eq!(place.read_to_end().await, b"second");
}

#[tokio::test]
async fn only_the_host_may_connect_and_strangers_do_not_keep_it_out() {
    let mut place = place();
    let strangers: Vec<_> = (0..20).map(|number| place.connect(3 + number)).collect();
    let mut host = place.connect(HOST);
    host.write_all(b"host").unwrap();
    place.host_comes().await;
    for mut stranger in strangers {
        assert!(matches!(stranger.read(&mut [0; 8]), Ok(0) | Err(_)), "nothing is said to it");
    }
    drop(host);
    assert_eq!(place.read_to_end().await, b"host");
}

#[tokio::test]
async fn a_write_to_a_host_that_has_gone_is_no_failure_of_the_port() {
    let mut place = place();
    drop(place.connect(HOST));
    while place.port.ready().await.unwrap().host != Some(false) {}
    assert!(matches!(place.port.try_write(b"x"), WriteOutcome::WouldBlock));
    assert!(place.read_to_end().await.is_empty());
    let _next = place.connect(HOST);
    place.host_comes().await;
}

/// On a kernel that has vsock; the port is held by nobody else.
#[tokio::test]
async fn a_real_listener_is_exclusive_where_the_kernel_has_vsock() {
    let address = Address { port: 3_000_000_000 + std::process::id(), local: false };
    let Ok(held) = VsockPort::listen(address, Path::new("vsock:x")) else { return };
    assert_eq!(held.host(), Some(false));
    assert_eq!(VsockPort::try_out(address), Err(super::super::outcome::Outcome::Busy));
    drop(held);
    assert_eq!(VsockPort::try_out(address), Ok(()));
}
