//! What changes how the system runs: power, freezing, trimming.

use super::{Argument, INT, Kind, Platform, Row, Switch, Type, optional, read};

const fn power(name: &'static str, since: &'static str, text: &'static str) -> Row {
    Row { kind: Kind::Power, success_response: false, ..read(name, since, "nothing on success", text) }
}

const fn freeze(name: &'static str, since: &'static str, result: &'static str, text: &'static str) -> Row {
    Row { kind: Kind::Freeze, platform: Platform::Linux, ..read(name, since, result, text) }
}

const MODE: Argument = optional("mode", Type::Text);

pub const ROWS: &[Row] = &[
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
    freeze("guest-fsfreeze-freeze", "0.15", "integer", "Freezes all file systems on disks; how many."),
    Row {
        arguments: &[optional("mountpoints", Type::List(&Type::Text))],
        ..freeze(
            "guest-fsfreeze-freeze-list",
            "2.2",
            "integer",
            "Freezes those of these mount points; how many.",
        )
    },
    Row {
        while_frozen: true,
        ..freeze("guest-fsfreeze-thaw", "0.15", "integer", "Thaws; how many, 0 where nothing was frozen.")
    },
    Row {
        arguments: &[optional("minimum", INT)],
        kind: Kind::Change,
        ..read(
            "guest-fstrim",
            "1.2",
            "object",
            "Discards unused blocks; what came of it for each file system.",
        )
    },
];
