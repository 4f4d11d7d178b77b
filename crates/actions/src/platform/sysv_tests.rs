//! System V scripts and other generated units against a real systemd with a generator; `systemd-sysv-install` is simulated.

use super::linux::SystemdServices;
use crate::context::Services;
use infiniservice_exec::{BoxFuture, Cancellation, Finished, Program, Request, RunError, Runner, Status};
use infiniservice_platform::systemd::UnitClient;
use infiniservice_platform::systemd::own_manager::OwnManager;
use infiniservice_protocol::{ErrorCode, ServiceOperation as Op};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Makes the unit of a script, as `systemd-sysv-generator` does, and one of another source.
const GENERATOR: &str = "#!/bin/sh
printf '[Unit]\\nSourcePath=/etc/init.d/old\\n[Service]\\nExecStart=/bin/sleep 1000\\n' > \"$3/old.service\"
printf '[Unit]\\nSourcePath=/etc/tab\\n[Service]\\nExecStart=/bin/sleep 1000\\n' > \"$1/made.service\"
";

/// The tool: remembers what was asked, and the script's state. `deaf`: it reports success and does nothing.
#[derive(Default)]
struct Tool {
    asked: Mutex<Vec<String>>,
    enabled: Mutex<bool>,
    deaf: bool,
}

impl Runner for Tool {
    fn run<'a>(&'a self, request: Request, _: &'a Cancellation) -> BoxFuture<'a, Result<Finished, RunError>> {
        assert_eq!(request.program, Program::At("/usr/lib/systemd/systemd-sysv-install".into()));
        let words: Vec<_> =
            request.arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let mut enabled = self.enabled.lock().unwrap();
        if words[0] != "is-enabled" && !self.deaf {
            *enabled = words[0] == "enable";
        }
        let code = i32::from(words[0] == "is-enabled" && !*enabled);
        self.asked.lock().unwrap().push(words.join(" "));
        let (stdout, stderr) = (String::new().into(), String::new().into());
        Box::pin(async move { Ok(Finished { status: Status::Exited(code), stdout, stderr }) })
    }
}

fn control() -> Cancellation {
    Cancellation::for_at_most(Duration::from_secs(60))
}

#[tokio::test]
async fn a_sysv_script_is_enabled_and_disabled_by_the_tool_for_it_and_its_state_is_told() {
    let Some(own) = OwnManager::start(&[("generator", GENERATOR)]) else { return };
    own.named().await;
    let tool = Arc::new(Tool::default());
    let services = SystemdServices::new(UnitClient::at(own.on_bus()), tool.clone());
    let startup = async |operation| {
        let cancellation = control();
        let outcome = services.control("old", operation, &cancellation).await.unwrap();
        assert!(outcome.stdout.text.contains("SysV script old"), "{outcome:?}");
        outcome.data["startup_type"].clone()
    };
    assert_eq!(startup(Op::Status).await, "disabled");
    assert_eq!(startup(Op::Enable).await, "enabled");
    assert_eq!(startup(Op::Status).await, "enabled");
    assert_eq!(startup(Op::Disable).await, "disabled");
    let changes = ["enable old", "disable old"];
    let asked = tool.asked.lock().unwrap().clone();
    assert_eq!(asked.iter().filter(|words| !words.starts_with("is-")).collect::<Vec<_>>(), changes);
}

#[tokio::test]
async fn a_tool_that_did_nothing_is_no_success_and_other_generated_units_are_refused() {
    let Some(own) = OwnManager::start(&[("generator", GENERATOR)]) else { return };
    own.named().await;
    let tool = Arc::new(Tool { deaf: true, ..Tool::default() });
    let services = SystemdServices::new(UnitClient::at(own.on_bus()), tool);
    let error = services.control("old", Op::Enable, &control()).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ExecutionFailed);
    assert!(error.error.contains("is not enabled"), "{error}");
    for operation in [Op::Enable, Op::Disable] {
        let error = services.control("made", operation, &control()).await.unwrap_err();
        assert!(error.error.contains("generated at each boot from /etc/tab"), "{error}");
    }
}
