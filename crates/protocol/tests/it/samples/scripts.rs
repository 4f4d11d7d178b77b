//! Scripts that wait and that ended.

use infiniservice_protocol::data::{ScriptInfo, ScriptState, ScriptStatusData};

pub fn script() -> ScriptInfo {
    ScriptInfo {
        execution_id: "run-1".into(),
        name: Some("set up".into()),
        shell: "bash".into(),
        run_as: Some("ada".into()),
        timeout_secs: 600,
        submitted_at: "2026-11-23T06:00:00.000Z".into(),
        ..ScriptInfo::default()
    }
}

pub fn ended_script() -> ScriptInfo {
    ScriptInfo {
        state: ScriptState::Ended,
        started_at: Some("2026-11-23T06:00:00.010Z".into()),
        ended_at: Some("2026-11-23T06:10:00.020Z".into()),
        exit_code: Some(124),
        error: Some("did not end within 600 s".into()),
        ..script()
    }
}

pub fn script_status() -> ScriptStatusData {
    let scripts = vec![ended_script(), ScriptInfo { known: true, ..script() }];
    ScriptStatusData { running: false, scripts, ..Default::default() }
}
