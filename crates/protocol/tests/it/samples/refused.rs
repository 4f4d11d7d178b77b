//! Lines that the parser refuses.

/// Lines that are refused, each in its own way.
pub const REFUSED: [&str; 21] = [
    "noise",
    r#"{"type":"SafeCommand","id":"broken","command_type":{"action":"#,
    r#"{"type":"Reboot","id":"r-1"}"#,
    r#"{"type":"Metrics","id":7}"#,
    r#"{"id":"no-type"}"#,
    r#"{"type":"SafeCommand","id":"c-1"}"#,
    r#"{"type":"SafeCommand","id":"c-2","command_type":{"action":"ServiceList"},"timeout":"soon"}"#,
    r#"{"type":"UnsafeCommand","id":"u-1","raw_command":"true","shell":"zsh"}"#,
    r#"{"type":"KeepAliveResponse","sequence_number":"one"}"#,
    r#"{"type":"Metrics","id":"a","id":"b"}"#,
    r#"{"type":"Subscribe","id":"s-1","interval_ms":100,"fields":["system.cpu"]}"#,
    r#"{"type":"Subscribe","id":"s-2","interval_ms":250,"fields":["gpu"]}"#,
    r#"{"type":"Subscribe","id":"s-3","interval_ms":250}"#,
    r#"{"type":"Subscribe","id":"s-4","subscription":3,"lease_secs":301}"#,
    r#"{"type":"Unsubscribe","id":"s-5"}"#,
    r#"{"type":"Cancel","id":"x-1","target":7}"#,
    r#"{"type":"UnsafeCommand","id":"u-2","raw_command":"true","progress":"yes"}"#,
    r#"{"type":"Batch","id":"b-1","commands":[]}"#,
    r#"{"type":"Batch","id":"b-2","commands":[{"type":"SafeCommand","id":"1","command_type":{"action":"ServiceList"},"timeout":"soon"}]}"#,
    r#"{"type":"Batch","id":"b-3","commands":[{"type":"UnsafeCommand","id":"b-3","raw_command":"true"}]}"#,
    r#"{"type":"Batch","id":"b-4","mode":"random","commands":[{"type":"UnsafeCommand","id":"1","raw_command":"true"}]}"#,
];
