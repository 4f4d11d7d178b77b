//! What ends the machine, or takes the agent's place, is not started under the name of a service: against a real systemd.

use super::control::ControlError;
use super::name::UnitName;
use super::own_manager::OwnManager;
use super::*;
use infiniservice_protocol::ServiceOperation as Op;

const SLEEPS: &str = "[Service]\nExecStart=/bin/sleep 1000\n";

async fn control(client: &UnitClient, name: &str, operation: Op) -> Result<Done, ControlError> {
    let unit = UnitName::parse(name).unwrap();
    client.control(&unit, operation, &Progress::default()).await
}

#[tokio::test]
async fn what_ends_the_machine_by_name_alias_property_or_dependency_names_the_action_for_it() {
    let unit = |line: &str| format!("[Unit]\n{line}\n{SLEEPS}[Install]\nWantedBy=default.target\n");
    let units = [
        ("systemd-poweroff.service", SLEEPS.to_owned()),
        ("success.service", unit("SuccessAction=reboot")),
        ("failure.service", unit("FailureAction=poweroff-force")),
        ("pulls.service", unit("Wants=reboot.target")),
        ("requires.service", unit("Requires=pulls.service")),
        ("event.timer", "[Timer]\nOnActiveSec=1d\nUnit=systemd-poweroff.service\n".to_owned()),
        ("reboot.target", String::new()),
    ];
    let units: Vec<_> = units.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let Some(own) = OwnManager::start(&units) else { return };
    std::os::unix::fs::symlink("systemd-poweroff.service", own.units().join("harmless.service")).unwrap();
    let client = UnitClient::at(own.on_bus());
    for (name, action) in [
        ("systemd-poweroff", "Shutdown"),
        ("harmless", "Shutdown"),
        // A user's manager makes the one of the other.
        ("success", "Shutdown"),
        ("failure", "Shutdown"),
        ("pulls", "Reboot"),
        ("requires", "Reboot"),
        ("event.timer", "Shutdown"),
    ] {
        for operation in [Op::Start, Op::Restart, Op::Enable] {
            let error = control(&client, name, operation).await.expect_err(name);
            assert!(matches!(error, ControlError::NotForServices(_)), "{name}: {error}");
            assert!(error.to_string().ends_with(&format!("the action {action}")), "{name}: {error}");
        }
        assert!(control(&client, name, Op::Status).await.is_ok(), "{name}");
    }
    let error = control(&client, "success", Op::Stop).await.unwrap_err();
    assert!(matches!(error, ControlError::NotForServices(_)), "{error}");
}

#[tokio::test]
async fn what_takes_the_agents_place_or_is_needed_by_it_is_left_alone() {
    let units = [
        ("agent.service", "[Unit]\nRequires=bus.service\n[Service]\nExecStart=/bin/sleep 1000\n"),
        (
            "rival.service",
            "[Unit]\nConflicts=agent.service\n[Service]\nExecStart=/bin/sleep 1000\n[Install]\nAlias=nice.service\n",
        ),
        ("rival.timer", "[Timer]\nOnActiveSec=1d\n"),
        ("friend.service", "[Unit]\nWants=rival.service\n[Service]\nExecStart=/bin/sleep 1000\n"),
        ("bus.service", SLEEPS),
        ("other.service", SLEEPS),
    ];
    let Some(own) = OwnManager::start(&units) else { return };
    std::os::unix::fs::symlink("rival.service", own.units().join("nice.service")).unwrap();
    let client = UnitClient::at(own.on_bus()).being("agent.service");
    for name in ["rival", "nice", "rival.timer", "friend"] {
        for operation in [Op::Start, Op::Restart] {
            let error = control(&client, name, operation).await.expect_err(name).to_string();
            assert!(error.contains("replaces agent.service"), "{name}: {error}");
        }
    }
    control(&client, "agent", Op::Start).await.unwrap();
    for operation in [Op::Stop, Op::Restart] {
        let error = control(&client, "bus", operation).await.unwrap_err().to_string();
        assert!(error.contains("needs bus.service"), "{error}");
    }
    assert!(control(&client, "other", Op::Start).await.is_ok());
    assert!(control(&client, "other", Op::Stop).await.is_ok());
    let error = control(&client, "agent", Op::Stop).await.unwrap_err().to_string();
    assert!(error.contains("is this agent"), "{error}");
}
