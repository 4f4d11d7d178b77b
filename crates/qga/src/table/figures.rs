//! Processors, memory, network, disks.

use super::{Argument, INT, Kind, Platform, Row, Type, read, required};

const fn linux(name: &'static str, since: &'static str, result: &'static str, text: &'static str) -> Row {
    Row { platform: Platform::Linux, ..read(name, since, result, text) }
}

const VCPUS: Argument = required(
    "vcpus",
    Type::List(&Type::Object(&[required("logical-id", INT), required("online", Type::Bool)])),
);

const BLOCKS: Argument = required(
    "mem-blks",
    Type::List(&Type::Object(&[required("phys-index", Type::Uint), required("online", Type::Bool)])),
);

pub const ROWS: &[Row] = &[
    read("guest-get-vcpus", "1.5", "list", "Processors: which are online, and which can be taken offline."),
    Row {
        arguments: &[VCPUS],
        kind: Kind::Change,
        ..linux(
            "guest-set-vcpus",
            "1.5",
            "integer",
            "Takes processors online or offline; how many were done.",
        )
    },
    linux(
        "guest-get-memory-blocks",
        "2.3",
        "list",
        "Memory blocks: which are online, and which can go offline.",
    ),
    Row {
        arguments: &[BLOCKS],
        kind: Kind::Change,
        ..linux(
            "guest-set-memory-blocks",
            "2.3",
            "list",
            "Takes memory blocks online or offline; what came of each.",
        )
    },
    linux("guest-get-memory-block-info", "2.3", "object", "The size of a memory block."),
    linux("guest-get-cpustats", "7.1", "list", "Time that each processor spent in each state."),
    linux("guest-get-diskstats", "7.1", "list", "What each disk read and wrote."),
    read("guest-network-get-interfaces", "1.1", "list", "Interfaces with their addresses and counters."),
    read("guest-network-get-route", "9.1", "list", "Routes."),
    read("guest-get-fsinfo", "2.2", "list", "Mounted file systems on disks, with the disks below them."),
    read("guest-get-disks", "5.2", "list", "Disks and partitions."),
    Row {
        platform: Platform::Windows,
        ..read("guest-get-devices", "5.2", "list", "Drivers of the devices that the host provides.")
    },
];
