//! winget's exit codes (`returnCodes.md` of its documentation), sorted into the causes that the agent tells apart.

use crate::packages::{Cause, Failure};

/// Number, cause, and what it means for people.
const CODES: &[(u32, Cause, &str)] = &[
    (0x8A15_0001, Cause::Other, "winget had an internal error"),
    (0x8A15_0002, Cause::Other, "this winget does not know the arguments and may be too old"),
    (0x8A15_0003, Cause::Other, "the command failed"),
    (0x8A15_0006, Cause::Script, "the installer could not be started, or failed"),
    (0x8A15_0007, Cause::Other, "this winget is too old for the package"),
    (0x8A15_0008, Cause::Unreachable, "the installer could not be downloaded"),
    (0x8A15_000A, Cause::Other, "the index of the source is damaged"),
    (0x8A15_000F, Cause::Unreachable, "the data of the source is missing"),
    (0x8A15_0010, Cause::Dependencies, "no installer supports this system"),
    (0x8A15_0011, Cause::Untrusted, "the installer does not match the package's hash"),
    (0x8A15_0014, Cause::NotFound, "there is no such package"),
    (0x8A15_0015, Cause::Unreachable, "no source is configured"),
    (0x8A15_0016, Cause::Other, "several packages match"),
    (0x8A15_0017, Cause::NotFound, "no version matches"),
    (0x8A15_0019, Cause::Permission, "it requires an administrator"),
    (0x8A15_001B, Cause::Permission, "a policy blocks the Microsoft Store"),
    (0x8A15_002C, Cause::Script, "some packages could not be updated"),
    (0x8A15_002D, Cause::Untrusted, "the installer did not pass the security check"),
    (0x8A15_002F, Cause::Other, "the package does not define how to remove it"),
    (0x8A15_0030, Cause::Script, "its uninstaller failed"),
    (0x8A15_003A, Cause::Permission, "a group policy blocks it"),
    (0x8A15_0041, Cause::Other, "the agreements of the package were not accepted"),
    (0x8A15_0044, Cause::Unreachable, "the source cannot be reached"),
    (0x8A15_0045, Cause::Unreachable, "the source could not be opened"),
    (0x8A15_0046, Cause::Other, "the agreements of the source were not accepted"),
    (0x8A15_0049, Cause::Script, "its MSI installer failed"),
    (0x8A15_004B, Cause::Unreachable, "sources could not be opened"),
    (0x8A15_004F, Cause::Other, "the version is not newer than the installed one"),
    (0x8A15_0056, Cause::Permission, "it cannot be installed by an administrator"),
    (0x8A15_005E, Cause::Unreachable, "the source's certificate is not the expected one"),
    (0x8A15_0061, Cause::Other, "it is already installed"),
    (0x8A15_0068, Cause::Held, "it is pinned"),
    (0x8A15_0101, Cause::Busy, "the application is running"),
    (0x8A15_0102, Cause::Busy, "another installation is in progress"),
    (0x8A15_0103, Cause::Busy, "a file of it is in use"),
    (0x8A15_0104, Cause::Dependencies, "a dependency is missing"),
    (0x8A15_0105, Cause::NoSpace, "the disk is full"),
    (0x8A15_0106, Cause::Other, "there is not enough memory"),
    (0x8A15_0107, Cause::Unreachable, "there is no network"),
    (0x8A15_0108, Cause::Script, "its installer failed"),
    (0x8A15_010A, Cause::Other, "the machine must be restarted first"),
    (0x8A15_010B, Cause::Other, "its installer restarts the machine"),
    (0x8A15_010C, Cause::Script, "its installer was cancelled"),
    (0x8A15_010D, Cause::Other, "another version is already installed"),
    (0x8A15_010E, Cause::Other, "a newer version is already installed"),
    (0x8A15_010F, Cause::Permission, "a policy prevents it"),
    (0x8A15_0110, Cause::Dependencies, "its dependencies could not be installed"),
    (0x8A15_0111, Cause::Busy, "another application uses it"),
    (0x8A15_0113, Cause::Dependencies, "this system is not supported"),
    (0x8A15_0114, Cause::Other, "it cannot be updated, only removed and installed again"),
];

/// The failure that an exit code is, with winget's last line where the code is not known.
pub(super) fn failure(number: u32, words: &str) -> Failure {
    match CODES.iter().find(|(known, _, _)| *known == number) {
        Some((_, cause, meaning)) => Failure::new(*cause, &format!("{meaning} (winget 0x{number:08X})")),
        None if words.is_empty() => Failure::new(Cause::Other, &format!("winget ended with 0x{number:08X}")),
        None => Failure::new(Cause::Other, &format!("{words} (winget 0x{number:08X})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_stands_once_and_in_order() {
        assert!(CODES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn a_code_is_told_by_its_cause_and_number_and_an_unknown_one_by_wingets_words() {
        let told = failure(0x8A15_0105, "");
        assert_eq!((told.cause, told.words.contains("0x8A150105")), (Cause::NoSpace, true));
        assert!(failure(0x1234, "odd").words.starts_with("odd (winget 0x00001234"));
    }
}
