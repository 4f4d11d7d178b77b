//! What zypper writes under `--xmlout` (zypper(8)): read element by element, nothing of it kept but what is asked for.
//!
//! Run against zypper 1.14.42. What it writes is bounded before it comes here, and elements are counted.

use crate::packages::{Hit, Parsed, Planned};
use infiniservice_platform::sanitize::quote;
use infiniservice_protocol::data::PendingUpdate;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::borrow::Cow;

/// More than all updates of a whole system.
const MAX_ELEMENTS: usize = 500_000;
/// Bytes kept of one text between tags: what a package's script said stands there, too.
const MAX_TEXT_BYTES: usize = 64 << 10;
/// The longest name, version or architecture.
const MAX_WORD_BYTES: usize = 256;

/// What becomes of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Brought,
    Removed,
    Downgraded,
}

/// One answer.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// What becomes of which package.
    pub(super) steps: Vec<(Step, Planned)>,
    /// How many packages the summary says that it changes; `None` where there is no summary.
    pub(super) counted: Option<usize>,
    /// Of `list-updates`.
    pub(super) updates: Vec<PendingUpdate>,
    /// Whether there was a list of updates at all.
    pub(super) lists_updates: bool,
    /// Updates whose name or version is none.
    pub(super) unreadable: u32,
    /// Packages found by `search`.
    pub(super) found: usize,
    /// Names of locks.
    pub(super) locked: Vec<String>,
    /// Errors and the solver's problems, line by line.
    pub(super) complaints: Vec<String>,
    /// What else was said.
    pub(super) remarks: Vec<String>,
    whole: bool,
    step: Option<Step>,
    text: Option<(Sink, String)>,
}

/// Where the text that is being read belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sink {
    Complaint,
    Remark,
    Lock,
}

/// Reads an answer that must be whole.
pub(super) fn read(text: &str) -> Result<Answer, String> {
    let mut answer = Answer::default();
    answer.take(text)?;
    if answer.whole {
        Ok(answer)
    } else {
        Err(format!("zypper's answer is not whole: {}", quote(text.trim())))
    }
}

/// Reads as much of an answer as can be read: what went wrong is told before the end.
pub(super) fn read_some(text: &str) -> Answer {
    let mut answer = Answer::default();
    let _ = answer.take(text);
    answer
}

impl Answer {
    fn take(&mut self, text: &str) -> Result<(), String> {
        let mut reader = Reader::from_str(text);
        for _ in 0..MAX_ELEMENTS {
            match reader.read_event().map_err(|error| format!("zypper's answer is no XML: {error}"))? {
                Event::Start(tag) => self.open(&tag),
                Event::Empty(tag) => {
                    self.open(&tag);
                    self.close(tag.name().0);
                }
                Event::End(tag) => self.close(tag.name().0),
                Event::Text(text) => self.say(&text.xml10_content()),
                Event::GeneralRef(name) => self.say(&resolved(&name)),
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
        Err(format!("zypper's answer has more than {MAX_ELEMENTS} elements"))
    }

    fn open(&mut self, tag: &BytesStart<'_>) {
        match tag.name().0 {
            "install-summary" => {
                self.counted = attribute(tag, "packages-to-change").and_then(|count| count.parse().ok());
            }
            "update-list" => self.lists_updates = true,
            "update" => self.update(tag),
            "source" => self.source(tag),
            "solvable" => self.solvable(tag),
            "message" if attribute(tag, "type").as_deref() == Some("error") => self.listen(Sink::Complaint),
            "message" => self.listen(Sink::Remark),
            // Those of packages stand inside `solvable`, and those of updates inside `update-list`.
            "description" if self.step.is_none() && !self.lists_updates => self.listen(Sink::Complaint),
            "name" => self.listen(Sink::Lock),
            section => self.step = step(section).or(self.step),
        }
    }

    fn close(&mut self, name: &str) {
        self.whole |= name == "stream";
        if step(name).is_some() {
            self.step = None;
        }
        if ["message", "description", "name"].contains(&name) {
            self.settle();
        }
    }

    fn listen(&mut self, sink: Sink) {
        self.text = Some((sink, String::new()));
    }

    fn say(&mut self, more: &str) {
        if let Some((_, text)) = &mut self.text
            && text.len() + more.len() <= MAX_TEXT_BYTES
        {
            text.push_str(more);
        }
    }

    fn settle(&mut self) {
        let Some((sink, text)) = self.text.take() else { return };
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned);
        match sink {
            Sink::Complaint => self.complaints.extend(lines),
            Sink::Remark => self.remarks.extend(lines),
            Sink::Lock => self.locked.extend(lines),
        }
    }

    /// `<solvable type="package" name="vim" edition="9.0-1" arch="x86_64" …>` below what becomes of it, or found by `search`,
    /// which calls the type `kind`.
    fn solvable(&mut self, tag: &BytesStart<'_>) {
        if attribute(tag, "kind").as_deref() == Some("package") {
            self.found += 1;
        }
        if attribute(tag, "type").as_deref() != Some("package") {
            return;
        }
        // One whose name is none is missed by the count, and the answer refused.
        if let (Some(step), Some(name)) = (self.step, word(tag, "name")) {
            let planned = Planned { name, architecture: word(tag, "arch"), version: edition(tag, "edition") };
            self.steps.push((step, planned));
        }
    }

    /// `<update kind="package" name="vim" edition="9.0-2" arch="x86_64" edition-old="9.0-1">`.
    fn update(&mut self, tag: &BytesStart<'_>) {
        if attribute(tag, "kind").as_deref() != Some("package") {
            return;
        }
        let (Some(package), Some(version)) = (word(tag, "name"), edition(tag, "edition")) else {
            self.unreadable = self.unreadable.saturating_add(1);
            return;
        };
        self.updates.push(PendingUpdate {
            package,
            version_installed: edition(tag, "edition-old"),
            version_available: version,
            architecture: word(tag, "arch"),
            source: String::new(),
            is_security_update: false,
            blocked_by: None,
        });
    }

    /// `<source url="https://…" alias="repo-oss"/>`, of the update before it.
    fn source(&mut self, tag: &BytesStart<'_>) {
        if let (Some(update), Some(alias)) = (self.updates.last_mut(), attribute(tag, "alias")) {
            update.source = quote(&alias);
        }
    }
}

/// `<solvable status="installed" name="vim" kind="package" edition="9.0-1" arch="x86_64" repository="Main"/>`: each is a line.
pub(super) fn hit(line: &str) -> Parsed<Hit> {
    let line = line.trim();
    if !line.starts_with("<solvable ") {
        return None;
    }
    let Ok(Event::Empty(tag)) = Reader::from_str(line).read_event() else { return Some(None) };
    if attribute(&tag, "kind").as_deref() != Some("package") {
        return None;
    }
    let (Some(name), Some(version)) = (word(&tag, "name"), edition(&tag, "edition")) else {
        return Some(None);
    };
    Some(Some(Hit {
        name,
        version: Some(version),
        architecture: word(&tag, "arch"),
        description: String::new(),
        source: quote(&attribute(&tag, "repository").unwrap_or_default()),
    }))
}

/// `to-upgrade-change-arch` and the like are updates.
fn step(section: &str) -> Option<Step> {
    let what = section.strip_prefix("to-")?;
    Some(match what {
        _ if what.starts_with("remove") => Step::Removed,
        _ if what.starts_with("downgrade") => Step::Downgraded,
        _ => Step::Brought,
    })
}

/// The value of an attribute, which is looked for without comparing each with all others.
fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut all = tag.attributes();
    let found = all.with_checks(false).flatten().find(|one| one.key.0 == name)?;
    found.normalized_value(XmlVersion::Implicit1_0).ok().map(Cow::into_owned)
}

/// A value that is one word, and no option of a command.
fn word(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_graphic() && c != '/';
    attribute(tag, name).filter(|value| {
        (1..=MAX_WORD_BYTES).contains(&value.len()) && !value.starts_with('-') && value.chars().all(fits)
    })
}

/// An epoch of 0 is what rpm's format leaves out.
fn edition(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    word(tag, name).map(|version| version.strip_prefix("0:").unwrap_or(&version).to_owned())
}

fn resolved(name: &BytesRef<'_>) -> String {
    match name.resolve_char_ref() {
        Ok(Some(letter)) => letter.to_string(),
        _ => quick_xml::escape::resolve_xml_entity(&name.xml10_content()).unwrap_or_default().to_owned(),
    }
}
