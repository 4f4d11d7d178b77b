//! The agent's service: what `systemctl show --property=…` prints (`Name=value`, one a line), which of the units that are there is
//! the one in use, and what is not as it should be about it. Several units are shipped, with different rights: advice names the
//! one that this machine uses, and never leads to one that may do more.

use super::facts::{Facts, ServiceFacts};
use super::finding::{Finding, Severity};

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

/// All findings about the unit in use; the others matter only where none is in use.
pub(crate) fn about_service(facts: &Facts) -> Vec<Finding> {
    let service = &facts.service;
    if service.manager.is_none() {
        return Vec::new();
    }
    if !service.installed {
        let problem = "The service infiniservice is not installed.".to_owned();
        return vec![warning("service_not_installed", problem, vec!["run install-linux.sh".into()])];
    }
    if nobody_chose(facts) {
        return vec![none_in_use(facts)];
    }
    about_state(service).into_iter().chain(about_start_up(service)).chain(about_commands(service)).collect()
}

fn warning(code: &'static str, problem: String, fix: Vec<String>) -> Finding {
    Finding { severity: Severity::Warning, code, problem, fix }
}

/// Several units are there, and none runs, has run or starts with the machine.
fn nobody_chose(facts: &Facts) -> bool {
    let unused = |unit: &ServiceFacts| {
        matches!(unit.active.as_deref(), Some("inactive"))
            && matches!(unit.start_up.as_deref(), Some("disabled" | "masked"))
    };
    !facts.other_services.is_empty() && unused(&facts.service) && facts.other_services.iter().all(unused)
}

fn none_in_use(facts: &Facts) -> Finding {
    let units = [&facts.service].into_iter().chain(&facts.other_services);
    let names: Vec<&str> = units.map(|unit| unit.unit.as_str()).collect();
    let problem =
        format!("None of the agent's services is running or starts with the machine: {}.", names.join(", "));
    let fix = vec![
        "start the one intended for this machine; each excludes the others:".into(),
        "  systemctl enable --now infiniservice-readonly   (sends figures, changes nothing)".into(),
        "  systemctl enable --now infiniservice            (runs the host's commands, as root)".into(),
    ];
    warning("service_none_in_use", problem, fix)
}

fn about_state(service: &ServiceFacts) -> Option<Finding> {
    let unit = &service.unit;
    match service.active.as_deref() {
        Some("failed") => {
            let problem = format!("The service {unit} has failed{}.", result(service));
            let fix = format!("journalctl -u {unit} -b, then: systemctl restart {unit}");
            Some(warning("service_failed", problem, vec![fix]))
        }
        Some("active" | "activating" | "reloading") | None => None,
        Some(other) => {
            let problem = format!("The service {unit} is {other}.");
            Some(warning("service_not_running", problem, vec![format!("systemctl start {unit}")]))
        }
    }
}

fn about_start_up(service: &ServiceFacts) -> Option<Finding> {
    let unit = &service.unit;
    let fix = match service.start_up.as_deref() {
        Some("disabled") => format!("systemctl enable {unit}"),
        Some("masked") => format!("systemctl unmask {unit} && systemctl enable {unit}"),
        _ => return None,
    };
    let problem = format!("The service {unit} does not start with the machine.");
    Some(warning("service_not_enabled", problem, vec![fix]))
}

fn about_commands(service: &ServiceFacts) -> Option<Finding> {
    let runs = service.active.as_deref() == Some("active");
    (runs && service.commands_in_cgroups == Some(false)).then(|| {
        let problem = "The agent's commands have no cgroups of their own: their number of processes is \
            not limited, and package changes end with the agent.";
        let fix = "check that the unit (systemctl cat infiniservice) has Delegate=yes and no \
            ProtectControlGroups=; then restart it";
        warning("commands_without_cgroups", problem.into(), vec![fix.into()])
    })
}

fn result(service: &ServiceFacts) -> String {
    service.result.as_ref().map(|result| format!(" ({result})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::test_facts::{in_order, running};
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

    fn told(name: &str, active: &str, start_up: &str) -> ServiceFacts {
        let (active, start_up) = (Some(active.to_owned()), Some(start_up.to_owned()));
        ServiceFacts { unit: name.into(), active, start_up, ..running() }
    }

    fn findings(service: ServiceFacts, other: ServiceFacts) -> Vec<Finding> {
        about_service(&Facts { service, other_services: vec![other], ..in_order() })
    }

    #[test]
    fn a_read_only_agent_in_order_has_nothing_to_fix() {
        let readonly = told("infiniservice-readonly", "active", "enabled");
        assert_eq!(findings(readonly, told("infiniservice", "inactive", "disabled")), []);
    }

    #[test]
    fn no_advice_about_a_read_only_installation_names_the_service_that_is_root() {
        for (active, start_up) in [
            ("failed", "enabled"),
            ("inactive", "enabled"),
            ("active", "disabled"),
            ("failed", "disabled"),
            ("active", "masked"),
        ] {
            let readonly = told("infiniservice-readonly", active, start_up);
            let found = findings(readonly, told("infiniservice", "inactive", "disabled"));
            assert!(!found.is_empty());
            for fix in found.iter().flat_map(|finding| &finding.fix) {
                let words = fix.split(|c: char| c.is_whitespace() || matches!(c, ';' | ','));
                assert!(words.into_iter().all(|word| word != "infiniservice"), "{fix}");
                assert!(fix.contains("infiniservice-readonly"), "{fix}");
            }
        }
    }

    #[test]
    fn where_none_is_in_use_the_choice_is_the_operators_and_the_narrow_one_stands_first() {
        let readonly = told("infiniservice-readonly", "inactive", "disabled");
        let found = findings(readonly, told("infiniservice", "inactive", "disabled"));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].code, "service_none_in_use");
        assert!(found[0].fix[1].contains("infiniservice-readonly"));
    }

    #[test]
    fn a_masked_unit_is_unmasked_before_it_is_enabled() {
        let found = findings(told("infiniservice", "active", "masked"), ServiceFacts::default());
        assert_eq!(found[0].fix, ["systemctl unmask infiniservice && systemctl enable infiniservice"]);
    }
}
