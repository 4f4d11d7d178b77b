//! A batch, and what it came to.

use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::batch::{BatchResult, Mode, OnError, Outcome};
use infiniservice_protocol::host::{Batch, BatchCommand, SafeCommand, UnsafeCommand};

pub fn batch(safe: &SafeCommand, raw: &UnsafeCommand) -> Batch {
    Batch {
        id: "b-1".into(),
        commands: vec![BatchCommand::Safe(safe.clone()), BatchCommand::Unsafe(raw.clone())],
        mode: Mode::Parallel,
        on_error: OnError::Continue,
        timeout: Some(90),
    }
}

pub fn result() -> BatchResult {
    let failed = Outcome {
        id: "u-1".into(),
        success: false,
        exit_code: Some(3),
        error_code: Some(ErrorCode::ExecutionFailed),
    };
    let done = Outcome { id: "cmd-002".into(), success: true, ..Outcome::default() };
    BatchResult {
        id: "b-1".into(),
        success: false,
        outcomes: vec![done, failed],
        outcomes_truncated: Some(3),
        execution_time_ms: 1530,
        trace: None,
        timestamp: None,
    }
}
