//! What every client asks first, and what tells about the system as a whole.

use super::{INT, Kind, Row, Switch, optional, read, required};

const fn own(name: &'static str, since: &'static str, result: &'static str, text: &'static str) -> Row {
    Row { kind: Kind::Session, switch: Switch::Always, while_frozen: true, ..read(name, since, result, text) }
}

pub const ROWS: &[Row] = &[
    Row {
        arguments: &[required("id", INT)],
        ..own("guest-sync", "0.15", "integer", "Gives the number back; a client drops all answers before it.")
    },
    Row {
        arguments: &[required("id", INT)],
        ..own("guest-sync-delimited", "1.1", "integer", "The same; the byte 0xFF stands before the answer.")
    },
    own("guest-ping", "0.15", "nothing", "Answers."),
    own("guest-info", "0.15", "object", "Version, and each command with whether it is on now."),
    read("guest-get-time", "1.5", "integer", "The clock, in nanoseconds since 1970."),
    Row {
        arguments: &[optional("time", INT)],
        kind: Kind::Change,
        ..read(
            "guest-set-time",
            "1.5",
            "nothing",
            "Sets the system's clock and from it the hardware's; without `time` the system's from the hardware's.",
        )
    },
    read("guest-get-osinfo", "2.10", "object", "Name and version of the system and its kernel."),
    read("guest-get-host-name", "2.10", "object", "The host name."),
    read("guest-get-timezone", "2.10", "object", "The time zone's abbreviation, and its offset now."),
    read("guest-get-users", "2.10", "list", "Who is logged in, each once, since when."),
    read("guest-get-load", "10.0", "object", "Load averages."),
];
