//! The table that winget writes: a header in the user's language, a line of dashes, and rows whose columns begin where the header's
//! words do. What is too long for its column ends with `…`.

use infiniservice_protocol::data::{PackageInfo, PendingUpdate};

/// Rows read of one table.
const MAX_ROWS: usize = 10_000;

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
    pub fn is(&self, id: &str) -> bool {
        let cut = self.id.strip_suffix('…');
        cut.map_or(self.id.eq_ignore_ascii_case(id), |begin| {
            id.get(..begin.len()).is_some_and(|same| same.eq_ignore_ascii_case(begin))
        })
    }

    /// For the wire.
    pub fn package(self) -> PackageInfo {
        PackageInfo {
            name: self.id,
            version: self.version,
            architecture: None,
            description: crate::one_line::description(&self.name),
            size_kb: None,
            source: if self.source.is_empty() { "winget".into() } else { self.source },
            installed: true,
        }
    }

    /// For the wire; `None` where nothing newer is told.
    pub fn update(self) -> Option<PendingUpdate> {
        (!self.available.is_empty()).then(|| PendingUpdate {
            package: self.id,
            version_installed: Some(self.version).filter(|version| !version.is_empty()),
            version_available: self.available,
            architecture: None,
            source: self.source,
            is_security_update: false,
        })
    }
}

/// Every row of every table in `text`; nothing where there is none.
pub(super) fn read(text: &str) -> Vec<Row> {
    let lines: Vec<&str> = text.lines().map(shown).collect();
    let mut rows = Vec::new();
    let mut columns: Option<Vec<usize>> = None;
    for (at, line) in lines.iter().enumerate() {
        if is_rule(line) {
            columns = at.checked_sub(1).and_then(|above| lines.get(above)).map(|header| begins(header));
        } else if let Some(columns) = &columns
            && lines.get(at + 1).is_none_or(|next| !is_rule(next))
        {
            rows.extend(row(line, columns));
        }
    }
    rows.truncate(MAX_ROWS);
    rows
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

/// `Name Id Version [Available] [Source]`. A line that is no row, such as the count below the table, is left out.
fn row(line: &str, columns: &[usize]) -> Option<Row> {
    // Checked first: the cells of a header of a million words would take for ever.
    if !(3..=5).contains(&columns.len()) {
        return None;
    }
    let cells: Vec<String> = (0..columns.len())
        .map(|at| cell(line, columns.get(at).copied().unwrap_or_default(), columns.get(at + 1).copied()))
        .collect();
    let cell = |at: usize| cells.get(at).cloned().unwrap_or_default();
    let (available, source) = match columns.len() {
        3 => (String::new(), String::new()),
        4 => (String::new(), cell(3)),
        5 => (cell(3), cell(4)),
        _ => return None,
    };
    let row = Row { name: cell(0), id: cell(1), version: cell(2), available, source };
    let whole =
        !row.name.is_empty() && !row.id.is_empty() && !row.version.is_empty() && !row.id.contains(' ');
    whole.then_some(row)
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
