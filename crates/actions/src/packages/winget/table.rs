//! The table that winget writes: a header in the user's language, a line of dashes, and rows. It is the only thing that tells of
//! pending updates: `winget list` and `winget upgrade` have no output for programs, `winget export` knows neither versions
//! that are available nor what came from no source, and the COM interface does not work for SYSTEM on every Windows.
//!
//! A column begins at a word of the header where every row has a blank before it, so the words themselves mean nothing. What is
//! too long for its column ends with `…`.

use crate::packages::{Hit, Reading};
use infiniservice_protocol::data::{PackageInfo, PendingUpdate};

/// Rows read of one table.
const MAX_ROWS: usize = 10_000;
/// Words of a header that may begin a column.
const MAX_WORDS: usize = 32;
/// Columns of a table: name, id and version; and with what is available and its source.
const MIN_COLUMNS: usize = 3;
const MAX_COLUMNS: usize = 5;
/// Sentences below the rows.
const MAX_FOOTER: usize = 4;

/// One row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub name: String,
    pub id: String,
    pub version: String,
    pub available: String,
    pub source: String,
}

impl Row {
    /// Whether it is of this id, also where that was cut.
    pub(super) fn is(&self, id: &str) -> bool {
        let cut = self.id.strip_suffix('…');
        cut.map_or(self.id.eq_ignore_ascii_case(id), |begin| {
            id.get(..begin.len()).is_some_and(|same| same.eq_ignore_ascii_case(begin))
        })
    }

    /// For the wire.
    pub(super) fn package(self) -> PackageInfo {
        PackageInfo {
            name: self.id,
            version: self.version,
            architecture: None,
            description: infiniservice_platform::sanitize::description(&self.name),
            size_kb: None,
            source: if self.source.is_empty() { "winget".into() } else { self.source },
            installed: true,
            state: None,
        }
    }

    /// Of a search, whose fourth column says what matched; `None` where the id was cut, by which nothing could be installed.
    pub(super) fn hit(self) -> Option<Hit> {
        (!self.id.ends_with('…')).then(|| Hit {
            name: self.id,
            version: Some(self.version).filter(|version| !version.is_empty()),
            architecture: None,
            description: infiniservice_platform::sanitize::description(&self.name),
            source: "winget".to_owned(),
        })
    }

    /// For the wire; `None` where nothing newer is told.
    pub(super) fn update(self) -> Option<PendingUpdate> {
        (!self.available.is_empty()).then(|| PendingUpdate {
            package: self.id,
            version_installed: Some(self.version).filter(|version| !version.is_empty()),
            version_available: self.available,
            architecture: None,
            source: self.source,
            is_security_update: false,
            blocked_by: None,
        })
    }
}

/// Every row of every table in `text`, and how many lines of tables are none; nothing where there is no table.
pub(super) fn read(text: &str) -> Reading<Row> {
    let lines: Vec<&str> = text.lines().map(shown).collect();
    let rules: Vec<usize> =
        (1..lines.len()).filter(|at| lines.get(*at).is_some_and(|line| is_rule(line))).collect();
    let mut all = Reading::default();
    for (nth, rule) in rules.iter().enumerate() {
        let end = rules.get(nth + 1).map_or(lines.len(), |next| next - 1);
        let header = lines.get(rule - 1).copied().unwrap_or_default();
        let body: Vec<&str> = lines.get(rule + 1..end).unwrap_or_default().to_vec();
        table(header, &body, &mut all);
    }
    all.rows.truncate(MAX_ROWS);
    all
}

/// One table. Lines below its last row are sentences; one between rows that is no row was not understood, and neither was
/// a table without any.
fn table(header: &str, body: &[&str], all: &mut Reading<Row>) {
    let body: Vec<&str> = body.iter().copied().filter(|line| !line.trim().is_empty()).collect();
    let shortest = body.len().saturating_sub(MAX_FOOTER);
    let cut = |length: usize| body.get(..length).unwrap_or_default();
    let best = (shortest..=body.len()).rev().map(|length| (columns(header, cut(length)), length));
    let (columns, length) = best.reduce(|a, b| if b.0.len() > a.0.len() { b } else { a }).unwrap_or_default();
    let (before, mut unread, mut since) = (all.rows.len(), 0, 0);
    let cells: Vec<Vec<String>> = cut(length).iter().filter_map(|line| cells(line, &columns)).collect();
    let newer = cells.iter().filter_map(|cells| cells.get(3)).any(|cell| is_version(cell));
    for cells in cells {
        match row(cells, newer) {
            Some(row) => {
                all.rows.push(row);
                (unread, since) = (unread + since, 0);
            }
            None => since += 1,
        }
    }
    let nothing = u32::from(all.rows.len() == before);
    all.unreadable = all.unreadable.saturating_add(unread.max(nothing));
}

/// The last line that says something.
pub(super) fn last_words(text: &str) -> &str {
    text.lines()
        .map(shown)
        .map(str::trim)
        .rfind(|line| line.chars().any(char::is_alphabetic))
        .unwrap_or_default()
}

/// What is left on the screen of a line: progress is written over by carriage returns.
fn shown(line: &str) -> &str {
    line.trim_end().rsplit('\r').next().unwrap_or_default()
}

fn is_rule(line: &str) -> bool {
    line.len() >= 10 && line.bytes().all(|byte| byte == b'-')
}

/// Where the columns begin: at words of the header before which every row has a blank. Words of a heading below which no
/// row has anything belong to the heading before them.
fn columns(header: &str, rows: &[&str]) -> Vec<usize> {
    let words = begins(header);
    // Checked first: the cells of a header of a million words would take for ever.
    if words.len() > MAX_WORDS {
        return Vec::new();
    }
    let mut columns = words;
    columns.retain(|at| *at == 0 || rows.iter().all(|row| is_blank(row, at - 1)));
    let mut at = 1;
    while let Some(from) = columns.get(at).copied() {
        let to = columns.get(at + 1).copied();
        if rows.iter().all(|row| cell(row, from, to).is_empty()) {
            columns.remove(at);
        } else {
            at += 1;
        }
    }
    columns
}

/// Where the header's words begin, in columns of the screen.
fn begins(header: &str) -> Vec<usize> {
    let (mut columns, mut column, mut blank) = (Vec::new(), 0, true);
    for c in header.chars() {
        if blank && c != ' ' {
            columns.push(column);
        }
        (blank, column) = (c == ' ', column + width(c));
    }
    columns
}

/// Whether nothing stands in a column of the screen.
fn is_blank(line: &str, at: usize) -> bool {
    let mut column = 0;
    for c in line.chars() {
        let end = column + width(c);
        if (column..end).contains(&at) {
            return c == ' ';
        }
        column = end;
    }
    true
}

fn cells(line: &str, columns: &[usize]) -> Option<Vec<String>> {
    (MIN_COLUMNS..=MAX_COLUMNS).contains(&columns.len()).then(|| {
        let ends = columns.iter().skip(1).map(|to| Some(*to)).chain([None]);
        columns.iter().zip(ends).map(|(from, to)| cell(line, *from, to)).collect()
    })
}

/// `Name Id Version [Available] [Source]`; of four columns the last is whichever its cells look like.
fn row(cells: Vec<String>, newer: bool) -> Option<Row> {
    let count = cells.len();
    let mut cells = cells.into_iter();
    let mut next = || cells.next().unwrap_or_default();
    let (name, id, version) = (next(), next(), next());
    let available = if count == MAX_COLUMNS || newer { next() } else { String::new() };
    let row = Row { name, id, version, available, source: next() };
    (!row.name.is_empty() && !row.id.is_empty()).then_some(row)
}

/// `24.09`, `> 1.2` or `v3`; sources have names.
fn is_version(cell: &str) -> bool {
    cell.trim_start_matches(['<', '>', ' ', 'v']).starts_with(|c: char| c.is_ascii_digit())
}

/// The text from one column of the screen up to the next.
fn cell(line: &str, from: usize, to: Option<usize>) -> String {
    let mut column = 0;
    let within = line.chars().filter(|c| {
        let here = column;
        column += width(*c);
        here >= from && to.is_none_or(|to| here < to)
    });
    within.collect::<String>().trim().to_owned()
}

/// Columns that a character takes: two where it is of East Asia (UAX #11, roughly).
fn width(c: char) -> usize {
    let wide = matches!(c,
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{20000}'..='\u{3fffd}');
    1 + usize::from(wide)
}
