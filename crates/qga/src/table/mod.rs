//! The table of commands: one row says all that is to be said of one. What the session checks, what `guest-info` reports and
//! what the documentation shows is read from it.

mod rows;

/// What kind of thing a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The session answers by itself.
    Session,
    /// Reads.
    Read,
    /// Changes how the system runs: clock, processors, memory, trimmed blocks.
    Change,
    /// Ends or suspends the system.
    Power,
    /// Freezes or thaws file systems.
    Freeze,
    /// Starts a program or asks for what became of it.
    Program,
    /// Reads or writes any file.
    File,
    /// Tells or changes who may log in.
    Credential,
}

/// What turns a command on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// Nothing turns it off: without these every client takes the agent for dead.
    Always,
    /// On by default.
    On,
    /// Programs.
    Exec,
    /// Files.
    File,
    /// Passwords.
    Password,
    /// SSH keys.
    Ssh,
}

/// Which systems have a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Linux and Windows.
    Any,
    /// Linux only.
    Linux,
    /// Windows only.
    Windows,
}

/// What an argument is.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// A whole number within these bounds. Beyond them its value is invalid, not its type.
    Int(i64, i64),
    /// A whole number from zero to 2^64 - 1.
    Uint,
    /// A text.
    Text,
    /// Bytes in base64.
    Base64,
    /// `true` or `false`.
    Bool,
    /// A list.
    List(&'static Type),
    /// An object with these members.
    Object(&'static [Argument]),
    /// One of these words.
    Word(&'static [&'static str]),
    /// One of these words, or `true` or `false`; and the protocol's name of such a type.
    WordOrBool(&'static str, &'static [&'static str]),
    /// One of these words, or a whole number; and the protocol's name of such a type.
    WordOrInt(&'static str, &'static [&'static str]),
}

/// One argument.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub of: Type,
    /// Whether it may be left out.
    pub optional: bool,
}

/// One command.
#[derive(Debug)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// Its arguments, in the order in which they are checked.
    pub arguments: &'static [Argument],
    /// What kind of thing it does.
    pub kind: Kind,
    /// What turns it on.
    pub switch: Switch,
    /// Whether it is allowed while file systems are frozen.
    pub while_frozen: bool,
    /// Whether a success is answered.
    pub success_response: bool,
    /// The version of QEMU that brought it.
    pub since: &'static str,
    /// Which systems have it.
    pub platform: Platform,
    /// What it returns, for the documentation.
    pub result: &'static str,
    /// What it does, for the documentation.
    pub text: &'static str,
}

/// All commands, by name within their section of the documentation.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    let sections = [rows::BASICS, rows::STATE, rows::FIGURES, rows::GUARDED];
    sections.into_iter().flatten()
}

/// The command of this name.
pub fn find(name: &str) -> Option<&'static Row> {
    rows().find(|row| row.name == name)
}

/// Any whole number.
const INT: Type = Type::Int(i64::MIN, i64::MAX);

const fn required(name: &'static str, of: Type) -> Argument {
    Argument { name, of, optional: false }
}

const fn optional(name: &'static str, of: Type) -> Argument {
    Argument { name, of, optional: true }
}

/// A command that reads: on, refused while frozen.
const fn read(name: &'static str, since: &'static str, result: &'static str, text: &'static str) -> Row {
    Row {
        name,
        arguments: &[],
        kind: Kind::Read,
        switch: Switch::On,
        while_frozen: false,
        success_response: true,
        since,
        platform: Platform::Any,
        result,
        text,
    }
}
