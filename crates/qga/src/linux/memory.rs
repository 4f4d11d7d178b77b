//! Memory blocks.

use super::{Tree, failed, needed, numbered, word};
use crate::error::Error;
use crate::reply::{MemoryBlock, MemoryBlockInfo};
use std::io;

const DIRECTORY: &str = "sys/devices/system/memory";

/// Each block; none where the kernel cannot take memory offline.
pub fn blocks(tree: &dyn Tree) -> Result<Vec<MemoryBlock>, Error> {
    let numbers = match numbered(tree, DIRECTORY, "memory") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|error| failed(DIRECTORY, &error))?,
    };
    let block = |number: &u32| {
        let tells = |file: &str, wanted: &str| {
            word(tree, &format!("{DIRECTORY}/memory{number}/{file}")).is_some_and(|word| word == wanted)
        };
        let can_offline = Some(tells("removable", "1"));
        MemoryBlock { phys_index: u64::from(*number), online: tells("state", "online"), can_offline }
    };
    Ok(numbers.iter().map(block).collect())
}

/// The size of each, which the kernel tells in hexadecimal.
pub fn block_info(tree: &dyn Tree) -> Result<MemoryBlockInfo, Error> {
    let path = format!("{DIRECTORY}/block_size_bytes");
    let text = needed(tree, &path)?;
    let size = u64::from_str_radix(text.trim().trim_start_matches("0x"), 16);
    size.map(|size| MemoryBlockInfo { size })
        .map_err(|_| Error::generic(format!("failed to read '/{path}': it has no size")))
}
