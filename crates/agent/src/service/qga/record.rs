//! What of a command of the QEMU guest agent's protocol is recorded: what changes the system, or tells of its users; without
//! passwords, keys and contents. What only reads is counted, as hosts ask for it every few seconds.

use infiniservice_actions::audit::AuditRecord;
use infiniservice_qga::Request;
use infiniservice_qga_commands::Finished;
use serde_json::json;

/// The record of a command that ended.
pub(super) fn of(finished: &Finished, parameters: &str) -> AuditRecord {
    let failure = finished.result.as_ref().err().map(|error| error.desc.as_str());
    AuditRecord::of_guest_agent(finished.row.name, parameters, failure, finished.took)
}

/// What is told of the parameters; `None`: the command is not recorded.
pub(super) fn parameters(request: &Request) -> Option<String> {
    let told = match request {
        Request::SetTime { time } => json!({ "time": time }),
        Request::Shutdown { mode } => json!({ "mode": mode }),
        Request::SuspendRam
        | Request::SuspendDisk
        | Request::SuspendHybrid
        | Request::Freeze
        | Request::Thaw => json!({}),
        Request::FreezeList { mountpoints } => json!({ "mountpoints": mountpoints }),
        Request::Trim { minimum } => json!({ "minimum": minimum }),
        Request::SetVcpus { vcpus } => json!({ "vcpus": vcpus }),
        Request::SetMemoryBlocks { blocks } => json!({ "mem-blks": blocks }),
        Request::Exec { path, arg, .. } => json!({ "path": path, "arg": arg }),
        Request::FileOpen { path, mode } => json!({ "path": path, "mode": mode }),
        Request::FileWrite { handle, bytes, .. } => json!({ "handle": handle, "bytes": bytes.0.len() }),
        Request::SetUserPassword { username, .. } | Request::SshGetKeys { username } => {
            json!({ "username": username })
        }
        Request::SshAddKeys { username, keys, reset } => {
            json!({ "username": username, "keys": keys.len(), "reset": reset })
        }
        Request::SshRemoveKeys { username, keys } => json!({ "username": username, "keys": keys.len() }),
        _ => return None,
    };
    Some(told.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(request: &serde_json::Value) -> Option<String> {
        parameters(&serde_json::from_value(request.clone()).expect("a request"))
    }

    #[test]
    fn passwords_keys_and_contents_are_not_recorded() {
        let secret = "aHVudGVyMg==";
        let requests = [
            json!({"guest-set-user-password": {"username": "ann", "password": secret, "crypted": false}}),
            json!({"guest-ssh-add-authorized-keys": {"username": "ann", "keys": [secret]}}),
            json!({"guest-file-write": {"handle": 7, "buf-b64": secret}}),
            json!({"guest-exec": {"path": "/bin/cat", "input-data": secret, "env": [secret]}}),
        ];
        for request in &requests {
            let told = told(request).expect("it is recorded");
            assert!(!told.contains(secret) && !told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn reads_are_not_recorded() {
        for name in ["guest-get-time", "guest-get-fsinfo", "guest-network-get-interfaces"] {
            assert_eq!(told(&json!(name)), None, "{name}");
        }
        assert_eq!(told(&json!({"guest-shutdown": {}})).as_deref(), Some(r#"{"mode":"powerdown"}"#));
    }
}
