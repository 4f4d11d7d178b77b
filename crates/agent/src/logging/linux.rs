//! Whether standard error is the journal: `JOURNAL_STREAM` holds the device and inode of the stream that systemd
//! connected (systemd.exec(5)). A shell started by a service inherits the variable, but not the stream.

use rustix::fs::fstat;

/// Whether what is written to standard error goes to journald.
pub fn stderr_is_journal() -> bool {
    let Ok(variable) = std::env::var("JOURNAL_STREAM") else { return false };
    fstat(std::io::stderr()).is_ok_and(|stream| names(&variable, stream.st_dev, stream.st_ino))
}

fn names(variable: &str, device: u64, inode: u64) -> bool {
    variable
        .split_once(':')
        .is_some_and(|(left, right)| left.parse() == Ok(device) && right.parse() == Ok(inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_stream_that_systemd_connected_is_the_journal() {
        assert!(names("8:1234", 8, 1234));
        assert!(!names("8:1234", 8, 99), "inherited by a process whose stderr goes elsewhere");
        assert!(!names("", 0, 0));
        assert!(!names("8", 8, 0));
    }
}
