//! What a selector can ask of a machine.

use super::value::Found;
use crate::fleet::Entry;
use crate::machine::figures::Figures;
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::guest::Hello;
use infiniservice_protocol::metrics::Host;

/// What a key's values are, and so how they are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text: `=`, `!=` with `*` for anything, `~` and `!~` with a regular expression. Letters are alike, great or small.
    Text,
    /// A product's name, of which the beginning is enough: `debian` is `Debian GNU/Linux`.
    Product,
    /// Numbers with dots between them, compared as far as the selector names them: 12.5 is 12.
    Version,
    /// A state's name.
    State,
    /// 0 to 100.
    Percent,
    /// A number.
    Number,
    /// `90`, `90s`, `5m`, `2h`, `1d`.
    Age,
}

/// How the keys of tags begin: `tag.env`.
pub const TAG: &str = "tag.";

/// One key.
#[derive(Debug)]
pub struct Key {
    /// As it is written; of a tag, with `NAME` for the tag's.
    pub name: &'static str,
    /// How it is compared.
    pub kind: Kind,
    /// What it is, for people.
    pub doc: &'static str,
    /// A machine's value.
    pub(super) read: for<'a> fn(&'a str, &'a Entry, Now) -> Found<'a>,
}

impl Key {
    /// That of all tags.
    pub(super) fn of_tags() -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name.starts_with(TAG))
    }
}

const fn key(
    name: &'static str,
    kind: Kind,
    doc: &'static str,
    read: for<'a> fn(&'a str, &'a Entry, Now) -> Found<'a>,
) -> Key {
    Key { name, kind, doc, read }
}

/// All keys. What a machine told of itself is that which it told last, however old; figures are those of agents that speak.
pub const KEYS: &[Key] = &[
    key("name", Kind::Text, "the machine's name on this host", |name, _, _| Found::text(name)),
    key("host", Kind::Text, "the guest's own name", |_, entry, _| told(entry, |host| &host.hostname)),
    key("vm_id", Kind::Text, "`vm_id` of the agent's configuration", |_, entry, _| {
        Found::text(hello(entry).and_then(|hello| hello.vm_id.as_deref()).unwrap_or_default())
    }),
    // Which one it is the part knows, and reads it.
    key(
        "tag.NAME",
        Kind::Text,
        "the machine's tag NAME, as the hub's configuration or the agent's has it",
        |_, _, _| Found::Unknown,
    ),
    key("os", Kind::Product, "the operating system", |_, entry, _| told(entry, |host| &host.os_name)),
    key("version", Kind::Version, "its version", |_, entry, _| told(entry, |host| &host.os_version)),
    key("kernel", Kind::Version, "the kernel's version", |_, entry, _| {
        told(entry, |host| &host.kernel_version)
    }),
    key("platform", Kind::Text, "`linux` or `windows`", |_, entry, _| {
        Found::text(hello(entry).map_or("", |hello| &hello.platform))
    }),
    key("agent", Kind::Version, "the agent's version", |_, entry, _| agent(entry)),
    key("state", Kind::State, "where its connection stands", |_, entry, _| {
        Found::text(entry.machine.state().name())
    }),
    key("cpu", Kind::Percent, "of all processors, in per cent", |_, entry, _| percent(entry, |it| it.cpu)),
    key("memory", Kind::Percent, "of memory, what programs cannot get, in per cent", |_, entry, _| {
        percent(entry, |it| it.memory)
    }),
    key("disk", Kind::Percent, "of the fullest file system, in per cent", |_, entry, _| {
        percent(entry, |it| it.disk)
    }),
    key("load1", Kind::Number, "load average of one minute", |_, entry, _| load(entry, 0)),
    key("load5", Kind::Number, "load average of five minutes", |_, entry, _| load(entry, 1)),
    key("load15", Kind::Number, "load average of fifteen minutes", |_, entry, _| load(entry, 2)),
    key("age", Kind::Age, "how long ago the guest spoke", |_, entry, now| {
        let heard = entry.machine.session().heard();
        Found::number(heard.map(|heard| now.mono.saturating_sub(heard).as_secs_f64()))
    }),
];

fn hello(entry: &Entry) -> Option<&Hello> {
    entry.machine.hello()
}

fn told(entry: &Entry, of: impl FnOnce(&Host) -> &String) -> Found<'_> {
    Found::text(entry.machine.sample().map_or("", |sample| of(&sample.system.host)))
}

fn agent(entry: &Entry) -> Found<'_> {
    let sample = entry.machine.sample().map(|sample| sample.agent_version.as_str());
    let version = hello(entry).map(|hello| hello.agent_version.as_str()).or(sample);
    Found::text(version.unwrap_or_default())
}

fn figures(entry: &Entry) -> Option<Figures> {
    entry.machine.system().map(Figures::of)
}

fn percent(entry: &Entry, of: impl FnOnce(Figures) -> f32) -> Found<'_> {
    Found::number(figures(entry).map(|figures| f64::from(of(figures)) * 100.0))
}

fn load(entry: &Entry, which: usize) -> Found<'_> {
    let load = figures(entry).and_then(|figures| figures.load?.get(which).copied());
    Found::number(load.map(f64::from))
}
