//! The troubleshooting tables of `docs/operations.md`: what a symptom's row quotes is what the named test has to see.

use crate::binary;
use crate::messages::TIMEOUT;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::time::{Duration, Instant};

/// The heading of the chapter that holds the tables.
const CHAPTER: &str = "## Troubleshooting";
/// Stands for anything within a line, in a quotation.
pub const ANYTHING: char = '…';
/// How often a log is looked at that tells by no event that it grew.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// One symptom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The first column.
    pub symptom: String,
    /// The quotations of the second column: log lines, words of `--diagnose`, of an answer or of `infinictl`.
    pub said: Vec<String>,
    /// The tests named in the last column.
    pub tests: Vec<String>,
}

/// The rows of the page.
///
/// # Errors
/// The page cannot be read.
pub fn rows() -> Result<Vec<Row>> {
    let path = binary::workspace().join("docs/operations.md");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(read(&text))
}

/// The rows of a page: of every table below the chapter's heading.
fn read(page: &str) -> Vec<Row> {
    let chapter = page.split(CHAPTER).nth(1).unwrap_or_default();
    let chapter = chapter.split("\n## ").next().unwrap_or_default();
    chapter.lines().filter_map(row).collect()
}

/// A row has five columns; a heading and the line below it name no test.
fn row(line: &str) -> Option<Row> {
    let columns: Vec<&str> = line.trim().strip_prefix('|')?.split('|').map(str::trim).collect();
    let (symptom, said, tests) = (columns.first()?, columns.get(1)?, columns.get(4)?);
    let (said, tests) = (quotations(said), quotations(tests));
    (!tests.is_empty()).then(|| Row { symptom: (*symptom).to_owned(), said, tests })
}

fn quotations(column: &str) -> Vec<String> {
    column.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether the pieces of a quotation follow each other in one line of `text`.
pub fn occurs(quotation: &str, text: &str) -> bool {
    text.lines().any(|line| {
        let mut rest = line;
        quotation.split(ANYTHING).all(|piece| match rest.split_once(piece) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    })
}

/// Waits until what `tell` gives holds everything that the rows naming `test` quote.
///
/// # Errors
/// No row names the test, a quotation does not come, or the text cannot be had.
pub fn shown(test: &str, tell: impl Fn() -> Result<String>) -> Result<()> {
    let rows: Vec<Row> =
        rows()?.into_iter().filter(|row| row.tests.iter().any(|name| name == test)).collect();
    ensure!(!rows.is_empty(), "docs/operations.md has no row of {test}");
    let start = Instant::now();
    loop {
        let seen = tell()?;
        let missing = rows.iter().flat_map(|row| &row.said).find(|quotation| !occurs(quotation, &seen));
        let Some(missing) = missing else { return Ok(()) };
        if start.elapsed() > TIMEOUT {
            bail!("docs/operations.md quotes {missing:?} for {test}, which is not in:\n{seen}");
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "
| a | `not this` | | | `chapter` |
## Troubleshooting
| symptom | said | cause | what to do | test |
|---|---|---|---|---|
| No port | `one … two`, then `three` | none | `four` | `a::b`, `c` |
## Next
| a | `nor this` | | | `chapter` |
";

    #[test]
    fn rows_are_those_of_the_chapter() {
        let said = vec!["one … two".to_owned(), "three".to_owned()];
        let tests = vec!["a::b".to_owned(), "c".to_owned()];
        assert_eq!(read(PAGE), [Row { symptom: "No port".to_owned(), said, tests }]);
    }

    #[test]
    fn a_quotation_occurs_in_order_and_in_one_line() {
        assert!(occurs("one … two", "x\nsay one and two\n"));
        assert!(!occurs("one … two", "two, one and"));
        assert!(!occurs("one … two", "one and\ntwo"));
    }

    #[test]
    fn a_test_without_a_row_is_an_error() {
        assert!(shown("no::such_test", || Ok(String::new())).is_err());
    }
}
