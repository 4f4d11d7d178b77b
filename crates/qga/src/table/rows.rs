//! The rows: what every client asks first, and what tells about the system as a whole; what changes how the system runs (power,
//! freezing, trimming); processors, memory, network, disks; and what gives the guest to whoever holds the host's end, and so is off
//! by default: programs, files, credentials.

use super::{Argument, INT, Kind, Platform, Row, Switch, Type, optional, read, required};
use crate::limits::MAX_FILE_READ_COUNT;

const fn own(name: &'static str, since: &'static str, result: &'static str, text: &'static str) -> Row {
    Row { kind: Kind::Session, switch: Switch::Always, while_frozen: true, ..read(name, since, result, text) }
}

pub const BASICS: &[Row] = &[
    Row {
        arguments: &[required("id", INT)],
        ..own("guest-sync", "0.15", "integer", "Returns the number; a client drops all answers before it.")
    },
    Row {
        arguments: &[required("id", INT)],
        ..own("guest-sync-delimited", "1.1", "integer", "The same, with the byte 0xFF before the answer.")
    },
    own("guest-ping", "0.15", "nothing", "Answers, and does nothing else."),
    own("guest-info", "0.15", "object", "The version, and for each command whether it is on now."),
    read("guest-get-time", "1.5", "integer", "The clock, in nanoseconds since 1970."),
    Row {
        arguments: &[optional("time", INT)],
        kind: Kind::Change,
        ..read(
            "guest-set-time",
            "1.5",
            "nothing",
            "Sets both clocks to `time`; without it, sets the system clock from the hardware clock.",
        )
    },
    read("guest-get-osinfo", "2.10", "object", "Name and version of the system and its kernel."),
    read("guest-get-host-name", "2.10", "object", "The host name."),
    read("guest-get-timezone", "2.10", "object", "The time zone's abbreviation, and its offset now."),
    read(
        "guest-get-users",
        "2.10",
        "list",
        "The users who are logged in, each once, with the time of the login.",
    ),
    // Windows counts none: an agent would have to wake every few seconds to make one.
    linux("guest-get-load", "10.0", "object", "Load averages."),
];

const fn power(name: &'static str, since: &'static str, text: &'static str) -> Row {
    Row { kind: Kind::Power, success_response: false, ..read(name, since, "nothing on success", text) }
}

const fn freeze(name: &'static str, since: &'static str, result: &'static str, text: &'static str) -> Row {
    Row { kind: Kind::Freeze, platform: Platform::Linux, ..read(name, since, result, text) }
}

const MODE: Argument = optional("mode", Type::Text);

pub const STATE: &[Row] = &[
    Row {
        arguments: &[MODE],
        ..power("guest-shutdown", "0.15", "Powers off, or halts or reboots: `powerdown`, `halt`, `reboot`.")
    },
    power("guest-suspend-ram", "1.1", "Suspends to memory."),
    power("guest-suspend-disk", "1.1", "Suspends to disk."),
    Row {
        platform: Platform::Linux,
        ..power("guest-suspend-hybrid", "1.1", "Suspends to memory, with an image on disk.")
    },
    Row {
        kind: Kind::Session,
        switch: Switch::On,
        while_frozen: true,
        ..freeze("guest-fsfreeze-status", "0.15", "`thawed` or `frozen`", "Whether file systems are frozen.")
    },
    freeze(
        "guest-fsfreeze-freeze",
        "0.15",
        "integer",
        "Freezes all file systems on disks; returns how many.",
    ),
    Row {
        arguments: &[optional("mountpoints", Type::List(&Type::Text))],
        ..freeze(
            "guest-fsfreeze-freeze-list",
            "2.2",
            "integer",
            "Freezes the file systems with these mount points; returns how many.",
        )
    },
    Row {
        while_frozen: true,
        ..freeze(
            "guest-fsfreeze-thaw",
            "0.15",
            "integer",
            "Thaws; returns how many, 0 if nothing was frozen.",
        )
    },
    Row {
        arguments: &[optional("minimum", INT)],
        kind: Kind::Change,
        ..read(
            "guest-fstrim",
            "1.2",
            "object",
            "Discards unused blocks; returns the result for each file system.",
        )
    },
];

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

pub const FIGURES: &[Row] = &[
    read("guest-get-vcpus", "1.5", "list", "Processors: which are online, and which can be taken offline."),
    Row {
        arguments: &[VCPUS],
        kind: Kind::Change,
        ..linux(
            "guest-set-vcpus",
            "1.5",
            "integer",
            "Takes processors online or offline; returns how many were changed.",
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
            "Takes memory blocks online or offline; returns the result for each.",
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

const fn file(name: &'static str, result: &'static str, text: &'static str) -> Row {
    Row { kind: Kind::File, switch: Switch::File, ..read(name, "0.15", result, text) }
}

const fn program(name: &'static str, result: &'static str, text: &'static str) -> Row {
    Row { kind: Kind::Program, switch: Switch::Exec, ..read(name, "2.5", result, text) }
}

const fn ssh(name: &'static str, result: &'static str, text: &'static str) -> Row {
    Row { kind: Kind::Credential, switch: Switch::Ssh, ..linux(name, "5.2", result, text) }
}

const HANDLE: Argument = required("handle", INT);
const USER: Argument = required("username", Type::Text);
const KEYS: Argument = required("keys", Type::List(&Type::Text));

/// What of a program's output is kept, by the order of the protocol's schema.
pub const CAPTURES: &[&str] = &["none", "stdout", "stderr", "separated", "merged"];
/// From where to seek.
pub const WHENCES: &[&str] = &["set", "cur", "end"];

pub const GUARDED: &[Row] = &[
    Row {
        arguments: &[
            required("path", Type::Text),
            optional("arg", Type::List(&Type::Text)),
            optional("env", Type::List(&Type::Text)),
            optional("input-data", Type::Base64),
            optional("capture-output", Type::WordOrBool("GuestExecCaptureOutput", CAPTURES)),
        ],
        ..program("guest-exec", "object", "Starts a program; returns a number for it.")
    },
    Row {
        arguments: &[required("pid", INT)],
        ..program("guest-exec-status", "object", "Whether a program has ended, how, and what it wrote.")
    },
    Row {
        arguments: &[required("path", Type::Text), optional("mode", Type::Text)],
        ..file("guest-file-open", "integer", "Opens a file; returns a handle.")
    },
    Row { arguments: &[HANDLE], ..file("guest-file-close", "nothing", "Closes a file.") },
    Row {
        arguments: &[HANDLE, optional("count", Type::Int(0, MAX_FILE_READ_COUNT))],
        ..file("guest-file-read", "object", "Reads from a file.")
    },
    Row {
        arguments: &[HANDLE, required("buf-b64", Type::Base64), optional("count", Type::Int(0, i64::MAX))],
        ..file("guest-file-write", "object", "Writes to a file.")
    },
    Row {
        arguments: &[
            HANDLE,
            required("offset", INT),
            required("whence", Type::WordOrInt("GuestFileWhence", WHENCES)),
        ],
        ..file("guest-file-seek", "object", "Moves the position in a file.")
    },
    Row { arguments: &[HANDLE], ..file("guest-file-flush", "nothing", "Writes buffered data to a file.") },
    Row {
        arguments: &[USER, required("password", Type::Base64), required("crypted", Type::Bool)],
        kind: Kind::Credential,
        switch: Switch::Password,
        ..read("guest-set-user-password", "2.3", "nothing", "Sets a user's password.")
    },
    Row {
        arguments: &[USER],
        ..ssh("guest-ssh-get-authorized-keys", "object", "The keys that may log in as a user.")
    },
    Row {
        arguments: &[USER, KEYS, optional("reset", Type::Bool)],
        ..ssh("guest-ssh-add-authorized-keys", "nothing", "Adds keys, or replaces all keys.")
    },
    Row { arguments: &[USER, KEYS], ..ssh("guest-ssh-remove-authorized-keys", "nothing", "Removes keys.") },
];
