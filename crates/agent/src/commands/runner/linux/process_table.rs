//! The process table as far as kinship goes (`proc_pid_stat(5)`).

use std::fs::File;
use std::io::Read;

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kin {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) session: i32,
    pub(super) zombie: bool,
    /// In ticks since boot; with the pid it names one process for good.
    pub(super) began: u64,
}

/// All processes.
pub(super) fn read() -> Vec<Kin> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(kin).collect()
}

fn kin(pid: i32) -> Option<Kin> {
    // The kernel writes it whole at once, in a few hundred bytes.
    let mut line = [0; 4096];
    let length = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut line).ok()?;
    parse(line.get(..length)?)
}

fn parse(line: &[u8]) -> Option<Kin> {
    let text = String::from_utf8_lossy(line);
    let (pid, _) = text.split_once(' ')?;
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let zombie = matches!(fields.next()?, "Z" | "X" | "x");
    let mut number = |nth: usize| -> Option<i64> { fields.nth(nth)?.parse().ok() };
    // Fields 4, 6 and 22 of the line; the state was field 3.
    let (parent, session): (i32, i32) = (number(0)?.try_into().ok()?, number(1)?.try_into().ok()?);
    Some(Kin { pid: pid.parse().ok()?, parent, session, zombie, began: number(15)?.unsigned_abs() })
}

/// Whether a process' environment holds `name=value`.
pub(super) fn has_variable(pid: i32, variable: &str) -> bool {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinship_is_read_past_a_hostile_name() {
        let line = b"42 (x) Z 9 9 9 (y)) S 7 42 41 0 -1 4194304 235 0 0 0 0 0 0 0 20 0 1 0 485232 0 0";
        let want = Kin { pid: 42, parent: 7, session: 41, zombie: false, began: 485_232 };
        assert_eq!(parse(line), Some(want));
        assert_eq!(parse(b"42 (x) Z"), None);
    }

    #[test]
    fn this_process_is_in_the_table() {
        let me = i32::try_from(std::process::id()).unwrap();
        assert!(read().iter().any(|kin| kin.pid == me && !kin.zombie));
    }
}
