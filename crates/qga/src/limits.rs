//! Bounds of everything that a host, or a command, could make grow. Those of executors stand here as well: they are part of
//! what the protocol promises.

use std::time::Duration;

/// Longest request, unless files may be written.
pub const MAX_REQUEST_BYTES: usize = 8 << 20;
/// Longest request where `guest-file-write` is allowed.
pub const MAX_REQUEST_BYTES_WITH_FILES: usize = 64 << 20;
/// Deepest nesting of a request, that of the JSON reader.
pub const MAX_DEPTH: usize = 127;
/// Most values of a request: each takes more memory than it has bytes.
pub const MAX_VALUES: usize = 256 << 10;
/// Longest `id` that is given back.
pub const MAX_ID_BYTES: usize = 64 << 10;
/// Requests that wait behind the one that runs; more stay unread.
pub const MAX_QUEUED_REQUESTS: usize = 64;
/// Commands that run on though nobody waits for their answers any more.
pub const MAX_DETACHED_COMMANDS: usize = 4;
/// Nothing more is read while this much waits to be written.
pub const ANSWER_BACKLOG_BYTES: usize = 256 << 10;
/// One read may bring this much.
pub const READ_BYTES: usize = 64 << 10;
/// Longest line of an answer with its newline: libvirt drops an agent for good at 10 MiB.
pub const MAX_ANSWER_BYTES: usize = (10 << 20) - 1024;
/// Longest text that is quoted in an error.
pub const MAX_QUOTED_BYTES: usize = 256;

/// A sync that arrives while a command runs waits this long for it.
pub const SYNC_TIMEOUT: Duration = Duration::from_millis(250);
/// A half-read request that has not grown for this long is dropped at the next byte.
pub const HALF_READ_KEPT: Duration = Duration::from_secs(30);
/// A whole request is looked for in this much of what is pending, counted from its end.
pub const RECOVERY_BYTES: usize = 64 << 10;
/// Beginnings of requests that are tried in it.
pub const RECOVERY_TRIALS: usize = 64;
/// Bytes that are tried in all before what is pending is given up.
pub const RECOVERY_BUDGET_BYTES: usize = RECOVERY_BYTES * RECOVERY_TRIALS;

/// What a reading command may wait for what may be missing; then it answers without it.
pub const READ_BUDGET: Duration = Duration::from_millis(800);
/// What a reading command may take in all; then it is an error. vdsm waits for 1 s only, but to all others the late answer of
/// a slow machine is worth more than an error, which fails the whole of `virsh guestinfo`. Proxmox VE waits for 5 s.
pub const READ_PATIENCE: Duration = Duration::from_secs(4);
/// Largest `count` that `guest-file-read` accepts.
pub const MAX_FILE_READ_COUNT: i64 = 48 << 20;
/// `count` of `guest-file-read` where none is given.
pub const DEFAULT_FILE_READ_COUNT: u64 = 4096;
/// Most that one `guest-file-read` returns, whatever was asked for: in base64 it stays below [`MAX_ANSWER_BYTES`].
pub const MAX_FILE_READ_BYTES: usize = 7 << 20;
/// Files open at a time.
pub const MAX_OPEN_FILES: usize = 64;
/// A file that was not used for this long is closed.
pub const OPEN_FILE_KEPT: Duration = Duration::from_secs(3600);
/// Output of a program that is kept, of each stream: both fit an answer.
pub const MAX_EXEC_OUTPUT_BYTES: usize = 7 << 19;
/// Programs whose records are kept; the oldest ended one goes first.
pub const MAX_EXEC_RECORDS: usize = 64;
/// Output of all programs that have ended: those that ended first are forgotten beyond it.
pub const MAX_EXEC_RECORD_BYTES: usize = 64 << 20;
/// A record that nobody asked for is kept this long after the program's end.
pub const EXEC_RECORD_KEPT: Duration = Duration::from_secs(600);
/// A record that was given once is kept this long, as its line can be lost.
pub const EXEC_ANSWER_KEPT: Duration = Duration::from_secs(60);
/// Longest freeze, unless the operator says otherwise.
pub const MAX_FREEZE: Duration = Duration::from_secs(600);
/// After a freeze has expired, `guest-fsfreeze-status` goes on to say `frozen` for at most this long.
pub const EXPIRED_FREEZE_TOLD: Duration = Duration::from_secs(900);

const _: () = assert!(MAX_FILE_READ_BYTES.div_ceil(3) * 4 + 1024 < MAX_ANSWER_BYTES);
const _: () = assert!(MAX_EXEC_OUTPUT_BYTES.div_ceil(3) * 8 + 1024 < MAX_ANSWER_BYTES);
