//! Processors and memory blocks, taken online or offline through sysfs.

use crate::work::failed;
use infiniservice_qga::reply::{MemoryBlockChange, MemoryBlockResponse};
use infiniservice_qga::request::{SetMemoryBlock, SetVcpu};
use infiniservice_qga::{Error, Reply};
use std::fs;
use std::io;
use std::path::Path;

/// `guest-set-vcpus`: in order, up to the first that fails. Only a failure of the very first is an error: a client repeats the
/// command with the rest.
pub fn vcpus(wanted: &[SetVcpu]) -> Result<Reply, Error> {
    set_vcpus(Path::new("/sys/devices/system/cpu"), wanted)
}

fn set_vcpus(directory: &Path, wanted: &[SetVcpu]) -> Result<Reply, Error> {
    let mut done = 0;
    for one in wanted {
        match set_vcpu(directory, one) {
            Ok(()) => done += 1,
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(Reply::Int(done))
}

fn set_vcpu(directory: &Path, wanted: &SetVcpu) -> Result<(), Error> {
    let of_it = directory.join(format!("cpu{}", wanted.logical_id));
    let open = |error: &io::Error| failed(format!("open(\"{}/\")", of_it.display()), error);
    fs::metadata(&of_it).map_err(|error| open(&error))?;
    let file = of_it.join("online");
    match fs::read_to_string(&file) {
        Ok(now) if now.trim() == digit(wanted.online) => Ok(()),
        Ok(_) => write(&file, digit(wanted.online))
            .map_err(|error| failed(format!("write(\"{}\")", file.display()), &error)),
        // One that cannot go offline has no such file.
        Err(error) if error.kind() == io::ErrorKind::NotFound && wanted.online => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Error::generic(format!("logical processor #{} can't be offlined", wanted.logical_id)))
        }
        Err(error) => Err(open(&error)),
    }
}

fn digit(online: bool) -> &'static str {
    if online { "1" } else { "0" }
}

/// Into a file that is there: these are the kernel's.
fn write(file: &Path, text: &str) -> io::Result<()> {
    use io::Write as _;
    fs::OpenOptions::new().write(true).open(file)?.write_all(text.as_bytes())
}

/// `guest-set-memory-blocks`: what came of each.
pub fn memory(wanted: &[SetMemoryBlock]) -> Reply {
    let directory = Path::new("/sys/devices/system/memory");
    Reply::MemoryBlockChanges(wanted.iter().map(|one| set_block(directory, one)).collect())
}

fn set_block(directory: &Path, wanted: &SetMemoryBlock) -> MemoryBlockChange {
    let of_it = directory.join(format!("memory{}", wanted.phys_index));
    let (response, error) = match outcome(&of_it, wanted.online) {
        Ok(response) => (response, None),
        Err(error) => (MemoryBlockResponse::OperationFailed, error.raw_os_error()),
    };
    MemoryBlockChange { phys_index: wanted.phys_index, response, error_code: error }
}

fn outcome(of_it: &Path, online: bool) -> io::Result<MemoryBlockResponse> {
    let state = of_it.join("state");
    let now = match fs::read_to_string(&state) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(MemoryBlockResponse::NotFound),
        read => read?,
    };
    let word = if online { "online" } else { "offline" };
    if now.trim() == word {
        return Ok(MemoryBlockResponse::Success);
    }
    let removable = || fs::read_to_string(of_it.join("removable")).is_ok_and(|word| word.trim() == "1");
    if !online && !removable() {
        return Ok(MemoryBlockResponse::OperationNotSupported);
    }
    write(&state, word).map(|()| MemoryBlockResponse::Success)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sysfs(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let file = root.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        root
    }

    fn vcpu(logical_id: i64, online: bool) -> SetVcpu {
        SetVcpu { logical_id, online }
    }

    #[test]
    fn processors_are_done_in_order_up_to_the_first_that_fails() {
        let root = sysfs(&[("cpu0/topology", ""), ("cpu1/online", "1\n"), ("cpu2/online", "1\n")]);
        let set = |wanted: &[SetVcpu]| set_vcpus(root.path(), wanted);
        assert_eq!(
            set(&[vcpu(0, true), vcpu(1, false), vcpu(0, false), vcpu(2, false)]).unwrap(),
            Reply::Int(2)
        );
        let now = |file: &str| fs::read_to_string(root.path().join(file)).unwrap();
        assert!(now("cpu1/online").starts_with('0') && now("cpu2/online").starts_with('1'));
        assert_eq!(set(&[]).unwrap(), Reply::Int(0));
        assert_eq!(set(&[vcpu(0, false)]).unwrap_err().desc, "logical processor #0 can't be offlined");
        let absent = set(&[vcpu(9, true)]).unwrap_err().desc;
        assert!(absent.ends_with(": No such file or directory"), "{absent}");
    }

    #[test]
    fn each_memory_block_has_its_own_outcome() {
        let root = sysfs(&[
            ("memory1/state", "online\n"),
            ("memory1/removable", "0\n"),
            ("memory2/state", "online\n"),
            ("memory2/removable", "1\n"),
        ]);
        let set =
            |phys_index, online| set_block(root.path(), &SetMemoryBlock { phys_index, online }).response;
        assert_eq!(set(1, true), MemoryBlockResponse::Success);
        assert_eq!(set(1, false), MemoryBlockResponse::OperationNotSupported);
        assert_eq!(set(2, false), MemoryBlockResponse::Success);
        assert_eq!(set(7, true), MemoryBlockResponse::NotFound);
        assert!(fs::read_to_string(root.path().join("memory2/state")).unwrap().starts_with("offline"));
    }
}
