//! What is not as it should be about the agent's service. Several units are shipped, with different rights: advice names the
//! one that this machine uses, and never leads to one that may do more.

use super::facts::{Facts, ServiceFacts};
use super::report::{Finding, Severity};

/// All findings about the unit in use; the others matter only where none is in use.
pub fn all(facts: &Facts) -> Vec<Finding> {
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

    fn unit(name: &str, active: &str, start_up: &str) -> ServiceFacts {
        let (active, start_up) = (Some(active.to_owned()), Some(start_up.to_owned()));
        ServiceFacts { unit: name.into(), active, start_up, ..running() }
    }

    fn findings(service: ServiceFacts, other: ServiceFacts) -> Vec<Finding> {
        all(&Facts { service, other_services: vec![other], ..in_order() })
    }

    #[test]
    fn a_read_only_agent_in_order_has_nothing_to_fix() {
        let readonly = unit("infiniservice-readonly", "active", "enabled");
        assert_eq!(findings(readonly, unit("infiniservice", "inactive", "disabled")), []);
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
            let readonly = unit("infiniservice-readonly", active, start_up);
            let found = findings(readonly, unit("infiniservice", "inactive", "disabled"));
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
        let readonly = unit("infiniservice-readonly", "inactive", "disabled");
        let found = findings(readonly, unit("infiniservice", "inactive", "disabled"));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].code, "service_none_in_use");
        assert!(found[0].fix[1].contains("infiniservice-readonly"));
    }

    #[test]
    fn a_masked_unit_is_unmasked_before_it_is_enabled() {
        let found = findings(unit("infiniservice", "active", "masked"), ServiceFacts::default());
        assert_eq!(found[0].fix, ["systemctl unmask infiniservice && systemctl enable infiniservice"]);
    }
}
