//! Win32 error codes of a virtio port (vioserial), a COM port and a named pipe, and what they mean for the link.

use super::super::outcome::Outcome;

/// `ERROR_FILE_NOT_FOUND`.
pub const FILE_NOT_FOUND: u32 = 2;
/// `ERROR_PATH_NOT_FOUND`.
pub const PATH_NOT_FOUND: u32 = 3;
/// `ERROR_ACCESS_DENIED`.
pub const ACCESS_DENIED: u32 = 5;
/// `ERROR_INVALID_HANDLE`.
pub const INVALID_HANDLE: u32 = 6;
/// `ERROR_NOT_READY`.
pub const NOT_READY: u32 = 21;
/// `ERROR_BAD_COMMAND`: the device is being removed.
pub const BAD_COMMAND: u32 = 22;
/// `ERROR_GEN_FAILURE`: what a device that was pulled out says.
pub const GEN_FAILURE: u32 = 31;
/// `ERROR_SHARING_VIOLATION`.
pub const SHARING_VIOLATION: u32 = 32;
/// `ERROR_HANDLE_EOF`.
pub const HANDLE_EOF: u32 = 38;
/// `ERROR_BAD_NETPATH`: a path below `\\.\` or `\\host\` that leads nowhere.
pub const BAD_NETPATH: u32 = 53;
/// `ERROR_DEV_NOT_EXIST`.
pub const DEV_NOT_EXIST: u32 = 55;
/// `ERROR_BROKEN_PIPE`.
pub const BROKEN_PIPE: u32 = 109;
/// `ERROR_SEM_TIMEOUT`.
pub const SEM_TIMEOUT: u32 = 121;
/// `ERROR_INVALID_NAME`.
pub const INVALID_NAME: u32 = 123;
/// `ERROR_PIPE_BUSY`.
pub const PIPE_BUSY: u32 = 231;
/// `ERROR_NO_DATA`: the pipe is being closed.
pub const NO_DATA: u32 = 232;
/// `ERROR_PIPE_NOT_CONNECTED`.
pub const PIPE_NOT_CONNECTED: u32 = 233;
/// `ERROR_OPERATION_ABORTED`.
pub const OPERATION_ABORTED: u32 = 995;
/// `ERROR_DEVICE_NOT_CONNECTED`.
pub const DEVICE_NOT_CONNECTED: u32 = 1167;
/// `ERROR_NOT_FOUND`.
pub const NOT_FOUND: u32 = 1168;
/// `ERROR_NO_SYSTEM_RESOURCES`.
pub const NO_SYSTEM_RESOURCES: u32 = 1450;
/// `ERROR_TIMEOUT`.
pub const TIMEOUT: u32 = 1460;
/// `ERROR_DEVICE_REMOVED`.
pub const DEVICE_REMOVED: u32 = 1617;

/// What a failed read or write says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoMeaning {
    /// The host closed its end: to be waited for, never to be asked again at once, or it spins.
    HangUp,
    /// The device is gone, or this handle will never work again: close and look for it.
    Gone,
    /// No room, or no time left: try again later.
    Busy,
    /// Anything else.
    Failed,
}

/// The meaning of a failed read or write. On a virtio port with its host away a read ends at once with
/// `ERROR_NO_SYSTEM_RESOURCES`; on a COM port under Wine with `ERROR_BROKEN_PIPE`, its writes with `ERROR_NOT_READY`.
pub fn io_meaning(code: u32) -> IoMeaning {
    match code {
        NO_SYSTEM_RESOURCES | HANDLE_EOF | OPERATION_ABORTED => IoMeaning::HangUp,
        BROKEN_PIPE | NOT_READY | NO_DATA | PIPE_NOT_CONNECTED | DEVICE_NOT_CONNECTED | DEVICE_REMOVED
        | BAD_COMMAND | GEN_FAILURE | DEV_NOT_EXIST | INVALID_HANDLE | FILE_NOT_FOUND => IoMeaning::Gone,
        SEM_TIMEOUT | TIMEOUT => IoMeaning::Busy,
        _ => IoMeaning::Failed,
    }
}

/// The meaning of a failed open. `system` is the system's own text for the code.
pub fn open_outcome(code: u32, system: &str) -> Outcome {
    match code {
        FILE_NOT_FOUND | PATH_NOT_FOUND | BAD_NETPATH | DEV_NOT_EXIST | NOT_FOUND | INVALID_NAME => {
            Outcome::Absent
        }
        ACCESS_DENIED => Outcome::AccessDenied,
        SHARING_VIOLATION | PIPE_BUSY => Outcome::Busy,
        NOT_READY | BROKEN_PIPE | PIPE_NOT_CONNECTED => Outcome::PeerClosed,
        _ => Outcome::Failed(system.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_is_away_is_a_hang_up_and_no_failure() {
        for code in [1450, 38, 995] {
            assert_eq!(io_meaning(code), IoMeaning::HangUp, "{code}");
        }
    }

    #[test]
    fn a_line_whose_other_end_closed_and_a_device_that_was_pulled_out_are_gone() {
        for code in [109, 21, 1167, 1617, 22, 31] {
            assert_eq!(io_meaning(code), IoMeaning::Gone, "{code}");
        }
    }

    #[test]
    fn codes_that_nobody_knows_are_failures() {
        assert_eq!(io_meaning(0x1234_5678), IoMeaning::Failed);
        assert_eq!(
            open_outcome(87, "The parameter is incorrect."),
            Outcome::Failed("The parameter is incorrect.".into())
        );
    }

    #[test]
    fn access_denied_is_told_apart_from_absence() {
        assert_eq!(open_outcome(2, ""), Outcome::Absent);
        assert_eq!(open_outcome(5, ""), Outcome::AccessDenied);
        assert_eq!(open_outcome(32, ""), Outcome::Busy);
    }
}
