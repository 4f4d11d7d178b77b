//! What gives the guest to whoever holds the host's end, and so is off by default: programs, files, credentials.

use super::{Argument, INT, Kind, Row, Switch, Type, optional, read, required};
use crate::limits::MAX_FILE_READ_COUNT;

const fn file(name: &'static str, result: &'static str, text: &'static str) -> Row {
    Row { kind: Kind::File, switch: Switch::File, ..read(name, "0.15", result, text) }
}

const fn program(name: &'static str, result: &'static str, text: &'static str) -> Row {
    Row { kind: Kind::Program, switch: Switch::Exec, ..read(name, "2.5", result, text) }
}

const fn ssh(name: &'static str, result: &'static str, text: &'static str) -> Row {
    Row { kind: Kind::Credential, switch: Switch::Ssh, ..read(name, "5.2", result, text) }
}

const HANDLE: Argument = required("handle", INT);
const USER: Argument = required("username", Type::Text);
const KEYS: Argument = required("keys", Type::List(&Type::Text));

/// What of a program's output is kept, by the order of the protocol's schema.
pub const CAPTURES: &[&str] = &["none", "stdout", "stderr", "separated", "merged"];
/// From where to seek.
pub const WHENCES: &[&str] = &["set", "cur", "end"];

pub const ROWS: &[Row] = &[
    Row {
        arguments: &[
            required("path", Type::Text),
            optional("arg", Type::List(&Type::Text)),
            optional("env", Type::List(&Type::Text)),
            optional("input-data", Type::Base64),
            optional("capture-output", Type::WordOrBool("GuestExecCaptureOutput", CAPTURES)),
        ],
        ..program("guest-exec", "object", "Starts a program; its pid.")
    },
    Row {
        arguments: &[required("pid", INT)],
        ..program("guest-exec-status", "object", "Whether a program has ended, how, and what it wrote.")
    },
    Row {
        arguments: &[required("path", Type::Text), optional("mode", Type::Text)],
        ..file("guest-file-open", "integer", "Opens a file; a handle.")
    },
    Row { arguments: &[HANDLE], ..file("guest-file-close", "nothing", "Closes it.") },
    Row {
        arguments: &[HANDLE, optional("count", Type::Int(0, MAX_FILE_READ_COUNT))],
        ..file("guest-file-read", "object", "Reads from it.")
    },
    Row {
        arguments: &[HANDLE, required("buf-b64", Type::Base64), optional("count", Type::Int(0, i64::MAX))],
        ..file("guest-file-write", "object", "Writes to it.")
    },
    Row {
        arguments: &[
            HANDLE,
            required("offset", INT),
            required("whence", Type::WordOrInt("GuestFileWhence", WHENCES)),
        ],
        ..file("guest-file-seek", "object", "Moves its place.")
    },
    Row { arguments: &[HANDLE], ..file("guest-file-flush", "nothing", "Writes out what is held back.") },
    Row {
        arguments: &[USER, required("password", Type::Base64), required("crypted", Type::Bool)],
        kind: Kind::Credential,
        switch: Switch::Password,
        ..read("guest-set-user-password", "2.3", "nothing", "Sets a user's password.")
    },
    Row {
        arguments: &[USER],
        ..ssh("guest-ssh-get-authorized-keys", "object", "Keys that may log in as a user.")
    },
    Row {
        arguments: &[USER, KEYS, optional("reset", Type::Bool)],
        ..ssh("guest-ssh-add-authorized-keys", "nothing", "Adds such keys, or puts them in place of all.")
    },
    Row {
        arguments: &[USER, KEYS],
        ..ssh("guest-ssh-remove-authorized-keys", "nothing", "Removes such keys.")
    },
];
