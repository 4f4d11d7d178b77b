//! What logrotate(8) knows: its state file, which names each log that it rotates, and where its configuration has `dateext`.

use super::uncompressed;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Where distributions keep the state.
const STATES: [&str; 3] =
    ["var/lib/logrotate/status", "var/lib/logrotate/logrotate.status", "var/lib/logrotate.status"];
const CONFIGURATION: &str = "etc/logrotate.conf";
const DIRECTORY: &str = "etc/logrotate.d";
/// Of each file so much is read; a line that does not end in it is not used.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// Files of the directory that are read.
const MAX_FILES: usize = 1_000;
/// Logs of the state, and patterns of the configuration, that are kept.
const MAX_ENTRIES: usize = 50_000;
const SCRIPTS: [&str; 5] = ["prerotate", "postrotate", "firstaction", "lastaction", "preremove"];
const DAILY: &[u8] = b"-%Y%m%d";
const HOURLY: &[u8] = b"-%Y%m%d%H";

/// All that is known.
#[derive(Debug, Default)]
pub(in crate::cleanup) struct Logrotate {
    /// Paths of logs that were rotated.
    logs: HashSet<Vec<u8>>,
    blocks: Vec<Block>,
}

/// Logs that share settings.
#[derive(Clone, Debug)]
struct Block {
    patterns: Vec<Vec<u8>>,
    settings: Settings,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    dateext: bool,
    format: Option<Vec<u8>>,
    hourly: bool,
}

impl Settings {
    fn format(&self) -> &[u8] {
        self.format.as_deref().unwrap_or(if self.hourly { HOURLY } else { DAILY })
    }

    fn line(&mut self, line: &str) {
        let mut words = line.split(|c: char| c.is_whitespace() || c == '=').filter(|word| !word.is_empty());
        match words.next() {
            Some("dateext") => self.dateext = true,
            Some("nodateext") => self.dateext = false,
            Some("hourly") => self.hourly = true,
            Some("daily" | "weekly" | "monthly" | "yearly") => self.hourly = false,
            Some("dateformat") => self.format = words.next().map(|word| word.as_bytes().to_vec()),
            _ => {}
        }
    }
}

impl Logrotate {
    /// This machine's; without any, nothing is known.
    pub(crate) fn read(root: &Path) -> Self {
        let mut this = Self::default();
        for path in STATES {
            this.state(&text(&root.join(path)));
        }
        let mut global = Settings::default();
        this.configuration(&text(&root.join(CONFIGURATION)), &mut global);
        let entries = fs::read_dir(root.join(DIRECTORY)).into_iter().flatten().flatten();
        for entry in entries.take(MAX_FILES) {
            this.configuration(&text(&entry.path()), &mut global.clone());
        }
        this
    }

    /// Whether it says that it rotated this log of this directory.
    pub(crate) fn rotates(&self, at: &Path, base: &[u8]) -> bool {
        self.logs.contains(&path(at, base))
    }

    /// Whether a name is one that its `dateext` made: by a log that it rotated and the form that applies there.
    pub(crate) fn dated(&self, at: &Path, plain: &[u8]) -> bool {
        self.blocks.iter().filter(|block| block.settings.dateext).any(|block| {
            let base = strip_date(uncompressed(plain).0, block.settings.format());
            base.is_some_and(|base| {
                let log = path(at, base);
                self.logs.contains(&log) && block.patterns.iter().any(|pattern| matches(pattern, &log))
            })
        })
    }

    /// `"/var/log/syslog" 2026-11-23-0:0:0`.
    pub(super) fn state(&mut self, text: &str) {
        let logs = text.lines().filter_map(|line| line.strip_prefix('"')?.rsplit_once("\" "));
        let room = MAX_ENTRIES.saturating_sub(self.logs.len());
        self.logs.extend(logs.take(room).map(|(log, _)| unescaped(log)));
    }

    /// One file: settings that hold for what follows, and blocks of patterns with settings of their own.
    pub(super) fn configuration(&mut self, text: &str, global: &mut Settings) {
        let (mut open, mut waiting, mut script) = (None::<Block>, Vec::new(), false);
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            if script {
                script = line != "endscript";
            } else if let Some(block) = &mut open {
                script = SCRIPTS.contains(&line);
                if !line.starts_with('}') {
                    block.settings.line(line);
                } else if self.blocks.len() < MAX_ENTRIES {
                    self.blocks.extend(open.take());
                } else {
                    open = None;
                }
            } else if line.starts_with(['/', '"', '\'', '~', '{']) {
                waiting.extend(patterns(line));
                if line.ends_with('{') {
                    let patterns = std::mem::take(&mut waiting);
                    open = Some(Block { patterns, settings: global.clone() });
                }
            } else {
                global.line(line);
            }
        }
    }
}

fn text(path: &Path) -> String {
    let mut bytes = Vec::new();
    // Opened only where it is a file: a pipe would be waited for.
    let regular = fs::metadata(path).is_ok_and(|meta| meta.is_file());
    if let Some(file) = regular.then(|| File::open(path).ok()).flatten() {
        let _ = file.take(MAX_FILE_BYTES).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn path(at: &Path, name: &[u8]) -> Vec<u8> {
    [at.as_os_str().as_bytes(), b"/", name].concat()
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut escaped = false;
    for byte in text.bytes() {
        if byte != b'\\' || escaped {
            bytes.push(byte);
        }
        escaped = byte == b'\\' && !escaped;
    }
    bytes
}

fn patterns(line: &str) -> impl Iterator<Item = Vec<u8>> + '_ {
    let words = line.trim_end_matches('{').split_whitespace();
    words.map(|word| word.trim_matches(['"', '\'']).as_bytes().to_vec()).filter(|word| !word.is_empty())
}

/// What stands before a date of this form at the end of a name.
fn strip_date<'a>(plain: &'a [u8], format: &[u8]) -> Option<&'a [u8]> {
    let mut at = plain;
    let mut format = format;
    while let Some((last, rest)) = format.split_last() {
        if let Some((b'%', before)) = rest.split_last() {
            let (width, least, most) = field(*last)?;
            let (head, digits) = at.split_at_checked(at.len().checked_sub(width)?)?;
            let value: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
            if !digits.iter().all(u8::is_ascii_digit) || value < least || value > most {
                return None;
            }
            (at, format) = (head, before);
        } else {
            (at, format) = (at.strip_suffix(&[*last])?, rest);
        }
    }
    (!at.is_empty()).then_some(at)
}

/// Width and range of a letter of `dateformat`.
const fn field(letter: u8) -> Option<(usize, u64, u64)> {
    Some(match letter {
        b'Y' => (4, 1970, 9999),
        b'm' => (2, 1, 12),
        b'd' => (2, 1, 31),
        b'H' => (2, 0, 23),
        b'M' => (2, 0, 59),
        b'S' => (2, 0, 60),
        b'V' => (2, 1, 53),
        b's' => (10, 0, u64::MAX),
        _ => return None,
    })
}

/// glob(7) with `*` and `?`, neither of which stands for a slash; other patterns match nothing.
fn matches(pattern: &[u8], path: &[u8]) -> bool {
    let (mut p, mut s, mut star) = (0, 0, None);
    while s < path.len() {
        match (pattern.get(p), path.get(s)) {
            (Some(b'*'), _) => {
                star = Some((p, s));
                p += 1;
            }
            (Some(b'?'), Some(byte)) if *byte != b'/' => (p, s) = (p + 1, s + 1),
            (Some(want), Some(byte)) if want == byte && *want != b'?' => (p, s) = (p + 1, s + 1),
            _ => match star {
                Some((at, from)) if path.get(from).is_some_and(|byte| *byte != b'/') => {
                    star = Some((at, from + 1));
                    (p, s) = (at + 1, from + 1);
                }
                _ => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}
