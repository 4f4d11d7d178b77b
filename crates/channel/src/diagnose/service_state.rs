//! Reads what `systemctl show --property=…` prints (`Name=value`, one a line), and chooses among the units that are shipped.

use super::facts::ServiceFacts;

/// The properties that are asked for.
pub const PROPERTIES: &str = "--property=LoadState,ActiveState,SubState,UnitFileState,MainPID,Result";

/// Every unit that is shipped, the one with the fewest rights first. They exclude each other (`Conflicts=`).
pub const UNITS: [&str; 2] = ["infiniservice-readonly", "infiniservice"];

/// The unit that this machine uses, and the others that are installed: what runs goes before what starts with the
/// machine, that before what was tried and failed, and that before what merely lies there.
pub fn choose(mut units: Vec<ServiceFacts>) -> (ServiceFacts, Vec<ServiceFacts>) {
    // Stable, so that among equals the unit with fewer rights stays first.
    units.sort_by_key(|unit| std::cmp::Reverse(claim(unit)));
    let others = units.split_off(units.len().min(1));
    let mut used = units.pop().unwrap_or_default();
    if !used.installed && used.manager.is_some() {
        used.unit = "infiniservice".into();
    }
    (used, others.into_iter().filter(|unit| unit.installed).collect())
}

fn claim(unit: &ServiceFacts) -> u8 {
    match (unit.active.as_deref(), unit.start_up.as_deref()) {
        _ if !unit.installed => 0,
        (Some("active" | "activating" | "reloading" | "deactivating"), _) => 4,
        (_, Some("enabled" | "enabled-runtime" | "linked" | "static")) => 3,
        (Some("failed"), _) => 2,
        _ => 1,
    }
}

/// The state of the unit. Unknown lines are passed over.
pub fn parse(unit: &str, text: &str) -> ServiceFacts {
    let mut facts =
        ServiceFacts { unit: unit.into(), manager: Some("systemd".into()), ..ServiceFacts::default() };
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
        let facts = parse("infiniservice", text);
        assert!(facts.installed);
        assert_eq!((facts.active.as_deref(), facts.pid), (Some("active"), Some(812)));
        assert_eq!(facts.start_up.as_deref(), Some("enabled"));
    }

    #[test]
    fn a_unit_that_is_not_there_is_not_installed() {
        let facts = parse(
            "infiniservice",
            "MainPID=0\nResult=success\nLoadState=not-found\nActiveState=inactive\nSubState=dead\nUnitFileState=\n",
        );
        assert!(!facts.installed);
        assert_eq!((facts.pid, facts.start_up), (None, None));
    }

    #[test]
    fn anything_else_is_no_service() {
        for text in ["", "=\n==", "Failed to connect to bus\n", "MainPID=-1\nMainPID=x"] {
            let facts = parse("infiniservice", text);
            assert!(!facts.installed && facts.pid.is_none(), "{text:?}");
        }
    }

    fn unit(name: &str, active: &str, start_up: &str) -> ServiceFacts {
        parse(name, &format!("LoadState=loaded\nActiveState={active}\nUnitFileState={start_up}\n"))
    }

    #[test]
    fn the_unit_that_runs_is_the_one_that_is_used() {
        let cases = [
            (("active", "enabled"), ("inactive", "disabled"), "infiniservice-readonly"),
            (("failed", "enabled"), ("inactive", "disabled"), "infiniservice-readonly"),
            (("failed", "disabled"), ("inactive", "disabled"), "infiniservice-readonly"),
            (("inactive", "enabled"), ("failed", "disabled"), "infiniservice-readonly"),
            (("inactive", "disabled"), ("inactive", "disabled"), "infiniservice-readonly"),
            (("inactive", "disabled"), ("active", "disabled"), "infiniservice"),
            (("inactive", "disabled"), ("failed", "enabled"), "infiniservice"),
        ];
        for (readonly, full, used) in cases {
            let units = vec![
                unit("infiniservice-readonly", readonly.0, readonly.1),
                unit("infiniservice", full.0, full.1),
            ];
            let (chosen, others) = choose(units);
            assert_eq!(chosen.unit, used, "{readonly:?} {full:?}");
            assert_eq!(others.len(), 1);
        }
    }

    #[test]
    fn where_none_is_installed_the_service_is_called_by_its_common_name() {
        let none = |name| parse(name, "LoadState=not-found\n");
        let (used, others) = choose(UNITS.map(none).into());
        assert_eq!((used.unit.as_str(), used.installed, others.len()), ("infiniservice", false, 0));
        assert_eq!(choose(Vec::new()).0, ServiceFacts::default());
    }
}
