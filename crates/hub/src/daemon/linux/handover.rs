//! What a hub that ends in order leaves to the next one: a memory file that systemd keeps, read once.
//!
//! First a line of JSON with what is known of each connection, then the bytes: of each the beginning of a line that came, and
//! what was still to be written.

use infiniservice_hub_core::machine::Handover;
use rustix::fs::{MemfdFlags, memfd_create};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;

/// Of this form; a hub that does not know it goes on as after a crash.
const VERSION: u32 = 1;
/// Longest file. Connections whose bytes do not fit go on as after a crash.
const MAX_BYTES: usize = 256 << 20;

/// What is left of one connection.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Left {
    pub(super) machine: Handover,
    /// The beginning of a line that has come.
    pub(super) begun: Vec<u8>,
    /// Whether the rest of a line that is too long is still to be dropped.
    pub(super) discards: bool,
    /// What was not written yet; its beginning may be the rest of a line.
    pub(super) unwritten: Vec<u8>,
}

/// What a hub left.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// How many orderly restarts there had been before its run.
    pub(super) restarts: u64,
    /// By the descriptor's name.
    pub(super) left: HashMap<String, Left>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    version: u32,
    restarts: u64,
    connections: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
struct Row {
    descriptor: String,
    machine: Handover,
    begun: usize,
    discards: bool,
    unwritten: usize,
}

/// Writes it; the file, and how many connections are in it.
pub(super) fn write(restarts: u64, left: impl Iterator<Item = (String, Left)>) -> io::Result<(File, usize)> {
    let (mut connections, mut bytes) = (Vec::new(), Vec::new());
    for (descriptor, Left { machine, begun, discards, unwritten }) in left {
        if bytes.len() + begun.len() + unwritten.len() > MAX_BYTES / 2 {
            log::warn!("more bytes are under way than the next hub is given; some connections begin anew");
            break;
        }
        bytes.extend_from_slice(&begun);
        bytes.extend_from_slice(&unwritten);
        let (begun, unwritten) = (begun.len(), unwritten.len());
        connections.push(Row { descriptor, machine, begun, discards, unwritten });
    }
    let count = connections.len();
    let mut file = File::from(memfd_create("infinihub", MemfdFlags::CLOEXEC)?);
    serde_json::to_writer(&mut file, &Head { version: VERSION, restarts, connections })?;
    file.write_all(b"\n")?;
    file.write_all(&bytes)?;
    Ok((file, count))
}

/// Reads and empties it, for every process that holds it; `None` where nothing is in it that this hub understands.
pub(super) fn take(file: OwnedFd) -> Option<Before> {
    let mut file = File::from(file);
    let mut bytes = Vec::new();
    let read = file.rewind().and_then(|()| (&file).take(MAX_BYTES as u64).read_to_end(&mut bytes));
    let emptied = read.and_then(|_| file.set_len(0));
    if let Err(error) = emptied {
        log::warn!("what the hub before knew cannot be read: {error}");
        return None;
    }
    if bytes.is_empty() {
        return None;
    }
    parse(&bytes).inspect_err(|error| log::warn!("what the hub before knew is not used: {error}")).ok()
}

fn parse(bytes: &[u8]) -> Result<Before, String> {
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or("it has no first line")?;
    let (head, mut rest) = bytes.split_at(end + 1);
    let head: Head = serde_json::from_slice(head).map_err(|error| error.to_string())?;
    if head.version != VERSION {
        return Err(format!("it is of version {}, and this hub knows {VERSION}", head.version));
    }
    let mut left = HashMap::new();
    for Row { descriptor, machine, begun, discards, unwritten } in head.connections {
        let mut next = |count: usize| {
            let (taken, after) = rest.split_at_checked(count).ok_or("it breaks off")?;
            rest = after;
            Ok::<_, String>(taken.to_vec())
        };
        let (begun, unwritten) = (next(begun)?, next(unwritten)?);
        left.insert(descriptor, Left { machine, begun, discards, unwritten });
    }
    Ok(Before { restarts: head.restarts, left })
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_hub_core::Machine;
    use infiniservice_protocol::clock::Now;
    use std::time::{Duration, UNIX_EPOCH};

    fn left(begun: &[u8]) -> Left {
        let now = Now { mono: Duration::from_secs(5), wall: UNIX_EPOCH };
        let mut machine = Machine::default();
        machine.connected(now);
        let machine = machine.hand_over().unwrap();
        Left { machine, begun: begun.to_vec(), discards: begun.is_empty(), unwritten: b"rest\n".to_vec() }
    }

    #[test]
    fn what_was_left_is_read_once() {
        let connections =
            [("a", left(b"{\"ty\xc3")), ("b", left(b""))].map(|(name, it)| (name.to_owned(), it));
        let (file, count) = write(3, connections.clone().into_iter()).unwrap();
        let again = file.try_clone().unwrap();
        let before = take(file.into()).unwrap();
        assert_eq!((before.restarts, count, before.left), (3, 2, HashMap::from(connections)));
        assert!(take(again.into()).is_none(), "a hub that crashes later must not find it");
    }

    #[test]
    fn what_is_not_understood_is_not_used() {
        for wrong in ["", "noise", "{}\n", "{\"version\":2,\"restarts\":0,\"connections\":[]}\n"] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
        let (file, _) = write(0, std::iter::once(("a".to_owned(), left(b"begun")))).unwrap();
        let mut bytes = Vec::new();
        (&file).rewind().unwrap();
        (&file).read_to_end(&mut bytes).unwrap();
        assert!(
            parse(&bytes).is_ok() && parse(&bytes[..bytes.len() - 1]).unwrap_err().contains("breaks off")
        );
    }
}
