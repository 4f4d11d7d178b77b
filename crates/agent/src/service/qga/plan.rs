//! Whether the port is served, and which commands are on: the settings, and what the machine has.

use super::narrow::narrow;
use crate::config::{GuestAgentMode, Settings};
use infiniservice_channel::diagnose::GuestAgentOptions;
use infiniservice_channel::transport::DeviceOptions;
use infiniservice_channel::transport::role::Search;
use infiniservice_qga::limits::MAX_REQUEST_BYTES_WITH_FILES;
use infiniservice_qga::policy::Policy;
use infiniservice_qga::{Switch, session};
use infiniservice_qga_commands::{FreezeSettings, HOLDERS_ARE_KNOWN, IS_SERVED, PLATFORM, rival};
use std::path::Path;
use std::time::Duration;

/// The port is to be served, so.
#[derive(Debug)]
pub struct Plan {
    /// The session's.
    pub settings: session::Settings,
    /// Where the port is looked for.
    pub device: DeviceOptions,
    /// The commands'.
    pub commands: infiniservice_qga_commands::Settings,
    /// A port that another program holds is its own for good.
    pub gives_way: bool,
}

impl Plan {
    /// For this machine; `None`: the port is not served.
    pub fn of(settings: &Settings) -> Option<Self> {
        if !IS_SERVED || settings.no_virtio {
            return None;
        }
        match why_not(settings, rival().as_deref()) {
            Some(reason) => {
                log::info!("the QEMU guest agent's port is not served: {reason}");
                None
            }
            None => Self::wanted(settings),
        }
    }

    fn wanted(settings: &Settings) -> Option<Self> {
        if settings.qga == GuestAgentMode::Off {
            return None;
        }
        let watch = !settings.disable_device_monitoring;
        let session = session::Settings {
            policy: policy_here(settings),
            max_request_bytes: settings.qga_max_request_bytes.min(MAX_REQUEST_BYTES_WITH_FILES),
            devices_are_watched: watch,
            seed: fastrand::u64(..),
        };
        let device = DeviceOptions::new(settings.qga_port.clone(), watch).searching(Search::GuestAgent);
        let commands = commands(settings);
        let gives_way = settings.qga == GuestAgentMode::Auto && HOLDERS_ARE_KNOWN;
        Some(Self { settings: session, device, commands, gives_way })
    }
}

pub(super) fn commands(settings: &Settings) -> infiniservice_qga_commands::Settings {
    let freeze = FreezeSettings {
        hook: settings.qga_fsfreeze_hook.clone(),
        longest: Duration::from_secs(settings.qga_freeze_max_secs),
        marker: None,
    };
    infiniservice_qga_commands::Settings { freeze }
}

/// What a diagnosis is told of the port.
pub fn for_diagnosis(settings: &Settings) -> GuestAgentOptions {
    let left = if settings.qga == GuestAgentMode::Off {
        Some("qga is false".to_owned())
    } else if settings.no_virtio {
        Some("no_virtio is set".to_owned())
    } else {
        why_not(settings, rival().as_deref())
    };
    GuestAgentOptions { port: settings.qga_port.clone(), left }
}

/// Why `auto` leaves the port alone.
fn why_not(settings: &Settings, rival: Option<&Path>) -> Option<String> {
    if settings.qga != GuestAgentMode::Auto {
        return None;
    }
    match (rival, &settings.shared_secret, &settings.controller_keys) {
        (Some(program), ..) => Some(format!("{} is installed", program.display())),
        (None, Some(_), _) => Some("shared_secret is set, and that protocol knows no signatures".to_owned()),
        (None, None, Some(_)) => {
            Some("controller_keys is set, and that protocol knows no sealed lines".to_owned())
        }
        (None, None, None) => None,
    }
}

/// Which commands are on, by these settings and by what is set for qemu-ga.
pub(super) fn policy_here(settings: &Settings) -> Policy {
    let mut policy = policy(settings);
    narrow(&mut policy);
    policy
}

fn policy(settings: &Settings) -> Policy {
    let policy = match settings.qga_commands.as_str() {
        "all" => Policy::all(PLATFORM),
        _ => Policy::safe(PLATFORM),
    };
    let switches = [
        (settings.qga_allow_exec, Switch::Exec),
        (settings.qga_allow_files, Switch::File),
        (settings.qga_allow_passwords, Switch::Password),
        (settings.qga_allow_ssh_keys, Switch::Ssh),
    ];
    let mut policy =
        switches.into_iter().filter(|(on, _)| *on).fold(policy, |policy, (_, switch)| policy.with(switch));
    policy.block(settings.qga_block.iter().flatten().map(String::as_str));
    policy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{FlagValue, Secret, Sources};
    use infiniservice_qga::table::Kind;

    fn settings(values: &[(&str, &str)]) -> Settings {
        let flag = |(name, text): &(&str, &str)| FlagValue {
            flag: "--set".into(),
            name: (*name).into(),
            text: (*text).into(),
        };
        let sources = Sources {
            default_file: "/proc/no-such-file".into(),
            config_flag: None,
            environment: Vec::new(),
            flags: values.iter().map(flag).collect(),
        };
        sources.load().expect("valid settings").settings
    }

    #[test]
    fn auto_leaves_the_port_to_an_installed_program_and_where_commands_must_be_signed() {
        let program = Path::new("/usr/sbin/qemu-ga");
        assert!(why_not(&settings(&[("qga", "auto")]), None).is_none());
        assert!(why_not(&settings(&[("qga", "auto")]), Some(program)).is_some());
        assert!(why_not(&settings(&[("qga", "true")]), Some(program)).is_none());
        let signed = |qga| Settings {
            shared_secret: Some(Secret::new("0123456789abcdef".into())),
            ..settings(&[("qga", qga)])
        };
        assert!(why_not(&signed("auto"), None).is_some());
        assert!(why_not(&signed("true"), None).is_none());
    }

    #[test]
    fn a_diagnosis_is_told_what_the_settings_say() {
        let told = for_diagnosis(&settings(&[("qga", "true"), ("qga_port", "/dev/port")]));
        assert_eq!((told.port.as_deref(), told.left), (Some(Path::new("/dev/port")), None));
        let left = |values: &[_]| for_diagnosis(&settings(values)).left.expect("a reason");
        assert_eq!(left(&[("qga", "false")]), "qga is false");
        assert_eq!(left(&[("qga", "true"), ("no_virtio", "true")]), "no_virtio is set");
    }

    #[test]
    fn only_where_it_is_off_does_the_agents_own_protocol_use_the_port() {
        assert_eq!(settings(&[("qga", "false")]).qga.search(), Search::AgentOrGuestAgent);
        assert_eq!(settings(&[("qga", "auto")]).qga.search(), Search::Agent);
        assert!(Plan::wanted(&settings(&[("qga", "false")])).is_none());
    }

    #[test]
    fn a_command_that_is_blocked_or_dangerous_is_off() {
        let policy = policy(&settings(&[("qga_block", "guest-suspend-disk, guest-fstrim")]));
        let is_on = |name| policy.find(name).is_some_and(|row| policy.is_on(row));
        assert!(is_on("guest-shutdown") && is_on("guest-get-osinfo") && is_on("guest-ping"));
        assert!(!is_on("guest-fstrim") && !is_on("guest-suspend-disk") && !is_on("guest-exec"));
        assert!(!is_on("guest-ssh-get-authorized-keys"));
    }

    #[test]
    fn each_dangerous_kind_of_command_has_its_own_switch() {
        for (switch, command) in [
            ("qga_allow_exec", "guest-exec"),
            ("qga_allow_files", "guest-file-open"),
            ("qga_allow_passwords", "guest-set-user-password"),
            ("qga_allow_ssh_keys", "guest-ssh-add-authorized-keys"),
        ] {
            let policy = policy(&settings(&[(switch, "true")]));
            // Not every system has all of them.
            if policy.find(command).is_none() {
                continue;
            }
            let dangerous = policy.rows().filter(|row| {
                let kinds = [Kind::Program, Kind::File, Kind::Credential];
                kinds.contains(&row.kind) && policy.is_on(row)
            });
            let names: Vec<_> = dangerous.map(|row| row.name).collect();
            assert!(names.contains(&command), "{switch}: {names:?}");
            let kind = policy.find(command).map(|row| row.switch);
            assert!(names.iter().all(|name| policy.find(name).map(|row| row.switch) == kind), "{names:?}");
        }
    }
}
