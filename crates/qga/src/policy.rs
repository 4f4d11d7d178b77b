//! Which commands are on, and what `guest-info` tells of that: the version, and each command with whether it is on now.

use crate::freeze::FreezeState;
use crate::reply::{Info, SupportedCommand};
use crate::table::{self, Platform, Row, Switch};
use std::collections::BTreeSet;

/// The operator's choice for one system.
#[derive(Clone, Debug)]
pub struct Policy {
    platform: Platform,
    on: Vec<Switch>,
    absent: BTreeSet<&'static str>,
    blocked: BTreeSet<&'static str>,
    allowed: Option<BTreeSet<&'static str>>,
}

impl Policy {
    /// What is on by default: everything but programs, files and credentials.
    pub fn safe(platform: Platform) -> Self {
        let (absent, blocked) = (BTreeSet::new(), BTreeSet::new());
        Self { platform, on: vec![Switch::Always, Switch::On], absent, blocked, allowed: None }
    }

    /// Everything.
    pub fn all(platform: Platform) -> Self {
        let guarded = [Switch::Exec, Switch::File, Switch::Password, Switch::Ssh];
        guarded.into_iter().fold(Self::safe(platform), Self::with)
    }

    /// The same, and what this switch turns on.
    #[must_use]
    pub fn with(mut self, switch: Switch) -> Self {
        self.on.push(switch);
        self
    }

    /// The same without commands that this system cannot carry out. For a client they do not exist.
    #[must_use]
    pub fn without<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.absent.extend(names.into_iter().filter_map(table::find).map(|row| row.name));
        self
    }

    /// The same but these. Gives the names back that are no commands; whether that is a fault is the caller's to say.
    pub fn block<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        let (known, unknown) = sorted(names);
        self.blocked.extend(known);
        unknown
    }

    /// Nothing but these of what is on. Lists of several sources are all obeyed. Unknown names are given back, as for
    /// [`Self::block`].
    pub fn allow_only<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        let (known, unknown) = sorted(names);
        self.allowed = Some(match self.allowed.take() {
            Some(allowed) => allowed.into_iter().filter(|name| known.contains(name)).collect(),
            None => known,
        });
        unknown
    }

    /// The command of this name, if this system has it.
    pub fn find(&self, name: &str) -> Option<&'static Row> {
        table::find(name).filter(|row| self.has(row))
    }

    /// All commands that this system has.
    pub fn rows(&self) -> impl Iterator<Item = &'static Row> {
        table::rows().filter(|row| self.has(row))
    }

    /// Whether a command is on; the freeze is another matter.
    pub fn is_on(&self, row: &Row) -> bool {
        let switched = self.on.contains(&row.switch);
        match row.switch {
            Switch::Always => true,
            // All or none: KubeVirt takes an agent with some of them for one with all.
            Switch::Ssh => {
                switched && self.rows().filter(|one| one.switch == Switch::Ssh).all(|one| self.is_chosen(one))
            }
            _ => switched && self.is_chosen(row),
        }
    }

    fn is_chosen(&self, row: &Row) -> bool {
        let listed = self.allowed.as_ref().is_none_or(|allowed| allowed.contains(row.name));
        listed && !self.blocked.contains(row.name)
    }

    fn has(&self, row: &Row) -> bool {
        let here = row.platform == Platform::Any || row.platform == self.platform;
        here && (row.switch == Switch::Always || !self.absent.contains(row.name))
    }
}

/// Spaces around names are forgiven: in qemu-ga's own lists they make another name, and so open what was to be shut.
fn sorted<'a>(names: impl IntoIterator<Item = &'a str>) -> (BTreeSet<&'static str>, Vec<&'a str>) {
    let (mut known, mut unknown) = (BTreeSet::new(), Vec::new());
    for name in names.into_iter().map(str::trim) {
        match table::find(name) {
            Some(row) => drop(known.insert(row.name)),
            None => unknown.push(name),
        }
    }
    (known, unknown)
}

/// The version of qemu-ga whose commands are served. Digits and dots only: clients compare it.
pub const VERSION: &str = "11.1.0";

/// The answer.
pub fn guest_info(policy: &Policy, freeze: FreezeState) -> Info {
    let supported = policy.rows().map(|row| SupportedCommand {
        name: row.name.into(),
        enabled: policy.is_on(row) && (row.while_frozen || !freeze.holds_writes()),
        success_response: row.success_response,
    });
    Info { version: VERSION.to_owned(), supported_commands: supported.collect() }
}
