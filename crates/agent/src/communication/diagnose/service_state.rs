//! Reads what `systemctl show --property=…` prints: `Name=value`, one a line.

use super::facts::ServiceFacts;

/// The properties that are asked for.
pub const PROPERTIES: &str = "--property=LoadState,ActiveState,SubState,UnitFileState,MainPID,Result";

/// The state of the unit. Unknown lines are passed over.
pub fn parse(text: &str) -> ServiceFacts {
    let mut facts = ServiceFacts { manager: Some("systemd".into()), ..ServiceFacts::default() };
    for (name, value) in text.lines().filter_map(|line| line.trim_end().split_once('=')) {
        let said = (!value.is_empty()).then(|| value.to_owned());
        match name {
            "LoadState" => facts.installed = !matches!(value, "not-found" | ""),
            "ActiveState" => facts.active = said,
            "SubState" => facts.sub_state = said,
            "UnitFileState" => facts.start_up = said,
            "MainPID" => facts.pid = value.parse().ok().filter(|pid| *pid != 0),
            "Result" => facts.result = said,
            _ => {}
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_unit_is_read() {
        let text = "MainPID=812\nResult=success\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\n";
        let facts = parse(text);
        assert!(facts.installed);
        assert_eq!((facts.active.as_deref(), facts.pid), (Some("active"), Some(812)));
        assert_eq!(facts.start_up.as_deref(), Some("enabled"));
    }

    #[test]
    fn a_unit_that_is_not_there_is_not_installed() {
        let facts = parse(
            "MainPID=0\nResult=success\nLoadState=not-found\nActiveState=inactive\nSubState=dead\nUnitFileState=\n",
        );
        assert!(!facts.installed);
        assert_eq!((facts.pid, facts.start_up), (None, None));
    }

    #[test]
    fn anything_else_is_no_service() {
        for text in ["", "=\n==", "Failed to connect to bus\n", "MainPID=-1\nMainPID=x"] {
            let facts = parse(text);
            assert!(!facts.installed && facts.pid.is_none(), "{text:?}");
        }
    }
}
