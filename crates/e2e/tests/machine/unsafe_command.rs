//! Raw shell commands: refused unless turned on, as whom they run, and what is left of them.

use crate::support::{Undo, answer_to, configured, equal, with_host};
use anyhow::{Result, ensure};
use infinictl::client::Client;
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::{ErrorCode, Response};
use serde_json::{Value, json};

pub const SCENARIOS: &[Scenario] = &[
    ("unsafe_command::is_refused_with_the_name_of_the_setting_that_turns_it_on", refused),
    ("unsafe_command::runs_in_a_shell_with_its_directory_and_variables_once_turned_on", runs),
    ("unsafe_command::runs_as_another_user_with_nothing_of_the_agents_rights", as_another_user),
    ("unsafe_command::that_overruns_is_gone_with_all_that_tried_to_escape", escape),
];

/// Turned on by a reload for the time of a scenario.
pub fn turned_on(guest: &Guest) -> Result<Undo<'_>> {
    configured(guest, "allow_unsafe_commands = true")
}

/// Sends a raw command with these fields, and waits for its answer.
pub fn raw(guest: &Guest, client: &Client, fields: &Value) -> Result<Response> {
    let mut command = fields.clone();
    command["type"] = "UnsafeCommand".into();
    answer_to(guest, client, command)
}

fn refused(guest: &Guest) -> Result<()> {
    with_host(guest, |client| {
        let response = raw(guest, client, &json!({"raw_command": "touch /run/lab-raw"}))?;
        equal("code", response.error_code, Some(ErrorCode::UnsafeDisabled))?;
        ensure!(
            response.error.is_some_and(|error| error.contains("allow_unsafe_commands")),
            "no setting is named"
        );
        guest.sh("test ! -e /run/lab-raw").map(drop)
    })
}

fn runs(guest: &Guest) -> Result<()> {
    let _undo = turned_on(guest)?;
    with_host(guest, |client| {
        let command = json!({
            "raw_command": "echo \"$GREETING from $PWD\"; echo oops >&2; [[ x == x ]] && exit 3",
            "shell": "BASH", "working_dir": "/var/tmp", "env_vars": {"GREETING": "hello"},
        });
        let response = raw(guest, client, &command)?;
        equal("stdout", response.stdout.as_str(), "hello from /var/tmp\n")?;
        equal("stderr", response.stderr.as_str(), "oops\n")?;
        equal("end", (response.exit_code, response.error_code), (Some(3), Some(ErrorCode::ExecutionFailed)))?;
        for (fields, code) in [
            (json!({"raw_command": "id", "shell": "powershell"}), ErrorCode::Unsupported),
            (json!({"raw_command": "id", "working_dir": "tmp"}), ErrorCode::InvalidParameter),
            (json!({"raw_command": "id", "working_dir": "/nonexistent"}), ErrorCode::NotFound),
            (json!({"raw_command": "id", "run_as": "nobdy"}), ErrorCode::NotFound),
            (
                json!({"raw_command": "id", "run_as": "nobody", "working_dir": "/root"}),
                ErrorCode::PermissionDenied,
            ),
            (json!({"raw_command": "id", "env_vars": {"A=B": "c"}}), ErrorCode::InvalidParameter),
        ] {
            equal(&fields.to_string(), raw(guest, client, &fields)?.error_code, Some(code))?;
        }
        let warned = guest.log()?.contains("the host may run any shell command as root");
        ensure!(warned, "nothing is said of raw commands that are on");
        Ok(())
    })
}

fn as_another_user(guest: &Guest) -> Result<()> {
    let _undo = turned_on(guest)?;
    // A group beside his own: it is there only if the groups are set for real.
    let _member = Undo::by(guest, "gpasswd -d nobody games");
    guest.sh("gpasswd -a nobody games")?;
    with_host(guest, |client| {
        let script = "id; echo $HOME $USER; cat /proc/self/cgroup; grep CapEff /proc/self/status; \
            ls /proc/self/fd | wc -l; echo 1 > /sys/fs/cgroup/cgroup.procs || echo stays";
        let response = raw(guest, client, &json!({"raw_command": script, "run_as": "nobody"}))?;
        println!("{}", response.stdout);
        for wanted in [
            "uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup),60(games)\n",
            "/nonexistent nobody\n",
            "/command-",
            "CapEff:\t0000000000000000\n4\nstays\n",
        ] {
            ensure!(response.stdout.contains(wanted), "{wanted:?} is not in {response:?}");
        }
        let root = raw(guest, client, &json!({"raw_command": "id -u; echo $USER", "run_as": "System"}))?;
        equal("system", root.stdout.as_str(), "0\nroot\n")
    })
}

fn escape(guest: &Guest) -> Result<()> {
    let _undo = turned_on(guest)?;
    with_host(guest, |client| {
        let script = "trap '' TERM; (setsid sh -c 'trap \"\" TERM; exec 0<&- 1>&- 2>&-; (sleep 31415 &) ; sleep 31415' &) ; sleep 31415 & sleep 31415";
        let response = raw(guest, client, &json!({"raw_command": script, "timeout": 3}))?;
        equal("code", response.error_code, Some(ErrorCode::Timeout))?;
        equal("left", guest.sh("pgrep -f 'sleep 3141[5]' || echo none")?.as_str(), "none")
    })
}
