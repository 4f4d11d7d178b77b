//! Reads of a Linux guest that its files answer: parsers over a tree of files, which is given. What opens the files, and
//! bounds how long that may take, is the executor's.

mod figures;
mod os;
mod routes;
// These want Linux itself: its words for an error, and times beyond the years that Windows has.
#[cfg(all(test, target_os = "linux"))]
mod tests;
mod zone;

use crate::error::Error;
use crate::reply::Reply;
use crate::request::Request;
use std::io;
use std::time::SystemTime;

/// Longest file that is asked for; an executor reads no more of it.
pub const MAX_FILE_BYTES: usize = 4 << 20;
/// Most entries of a directory that are looked at.
pub const MAX_ENTRIES: usize = 64 << 10;

/// Files of a guest, by their paths below its root.
pub trait Tree {
    /// A file's first [`MAX_FILE_BYTES`].
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;
    /// The first [`MAX_ENTRIES`] names in a directory, in any order.
    fn names(&self, path: &str) -> io::Result<Vec<String>>;
}

/// What no file tells.
#[derive(Clone, Debug)]
pub struct System {
    /// The kernel's name of the processor's architecture, as uname(2) has it.
    pub machine: String,
    /// Ticks of `/proc/stat` in a second.
    pub ticks_per_second: u64,
    /// The clock.
    pub now: SystemTime,
}

/// The answer to a command that files, or the clock, answer; `None`: it is for another executor.
pub fn answer(request: &Request, tree: &dyn Tree, system: &System) -> Option<Result<Reply, Error>> {
    Some(match request {
        Request::GetTime => Reply::time(system.now),
        Request::GetOsInfo => Ok(Reply::OsInfo(os::info(tree, &system.machine))),
        Request::GetHostName => os::host_name(tree).map(Reply::HostName),
        Request::GetTimezone => Ok(Reply::Timezone(zone::local(tree, system.now))),
        Request::GetLoad => os::load(tree).map(Reply::Load),
        Request::GetVcpus => figures::vcpus(tree).map(Reply::Vcpus),
        Request::GetCpuStats => figures::cpu_stats(tree, system.ticks_per_second).map(Reply::CpuStats),
        Request::GetMemoryBlocks => figures::blocks(tree).map(Reply::MemoryBlocks),
        Request::GetMemoryBlockInfo => figures::block_info(tree).map(Reply::MemoryBlockInfo),
        Request::GetDiskStats => figures::disk_stats(tree).map(Reply::DiskStats),
        Request::GetRoutes => routes::routes(tree).map(Reply::Routes),
        _ => return None,
    })
}

/// A file's text; what is no UTF-8 in it is replaced.
fn text(tree: &dyn Tree, path: &str) -> io::Result<String> {
    tree.read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The same, and an error as clients know it.
fn needed(tree: &dyn Tree, path: &str) -> Result<String, Error> {
    text(tree, path).map_err(|error| failed(path, &error))
}

/// A file's text without the white space around it; `None` where there is none.
fn word(tree: &dyn Tree, path: &str) -> Option<String> {
    let text = text(tree, path).ok()?;
    Some(text.trim().to_owned()).filter(|word| !word.is_empty())
}

/// `failed to read '/x': No such file or directory`, without Rust's number behind it.
fn failed(path: &str, error: &io::Error) -> Error {
    let text = error.to_string();
    let reason = text.split(" (os error").next().unwrap_or_default();
    Error::generic(format!("failed to read '/{path}': {reason}"))
}

/// The numbers of a directory's entries that are named so, with a number behind it, in order.
fn numbered(tree: &dyn Tree, directory: &str, prefix: &str) -> io::Result<Vec<u32>> {
    let number = |name: &String| name.strip_prefix(prefix)?.parse().ok();
    let mut numbers: Vec<u32> = tree.names(directory)?.iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}
