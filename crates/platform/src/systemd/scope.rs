//! A scope of their own for processes that must not end with the agent (systemd.scope(5), org.freedesktop.systemd1(5)).

use super::bus::BusAddress;
use super::calls::Calls;
use super::error::SystemdError;
use super::job;
use super::progress::Progress;
use zbus::Variant;

/// A unit's properties in `StartTransientUnit`.
type Properties<'a> = Vec<(&'a str, Variant<'a>)>;
/// Units to be made along with it: none.
type Auxiliary<'a> = Vec<(&'a str, Properties<'a>)>;

/// Has systemd put the processes `pids` into a new scope `name`, and waits until they are in it. The scope goes by itself once
/// nothing runs in it. Others may be put in by whoever asked for it (`Delegate`), up to `tasks_max` processes and threads.
pub async fn start(
    bus: &BusAddress,
    name: &str,
    description: &str,
    pids: &[u32],
    tasks_max: u32,
) -> Result<(), SystemdError> {
    let connection = bus.connect().await?;
    let calls = Calls { connection: &connection, unit: name };
    let properties: Properties<'_> = vec![
        ("Description", Variant::from(description)),
        ("PIDs", Variant::from(pids.to_vec())),
        ("Delegate", Variant::from(true)),
        ("TasksMax", Variant::from(u64::from(tasks_max))),
        ("CollectMode", Variant::from("inactive-or-failed")),
    ];
    let body = (name, "fail", properties, Auxiliary::new());
    match job::run(&calls, "StartTransientUnit", &body, &Progress::default()).await?.as_str() {
        "done" => Ok(()),
        result => Err(SystemdError::Failed(format!("the scope {name} was not started: {result}"))),
    }
}
