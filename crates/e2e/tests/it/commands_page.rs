//! docs/commands.md is what the documented exchanges say. `UPDATE_GENERATED=1 cargo test -p infiniservice-e2e --test
//! commands_page` makes it anew; the scenario `documented` holds the exchanges against the real machine.

mod page;

use infiniservice_e2e::binary;
use infiniservice_e2e::exchange::{self, ANY_COMMAND, Exchange};
use infiniservice_protocol::action::UNSAFE_COMMAND;
use infiniservice_protocol::{
    Action, ActionName, ErrorCode, GuestLine, GuestMessage, HostMessage, Response, parse_guest_line,
    parse_host_line,
};
use std::collections::BTreeSet;
use std::fs;

const BEGIN: &str = "<!-- generated from crates/e2e/exchanges: begin -->\n";
const END: &str = "<!-- generated: end -->";

/// All codes but `INTERNAL`, which is a fault of the agent: nothing from outside provokes it.
const CODES: [ErrorCode; 18] = [
    ErrorCode::MessageTooLarge,
    ErrorCode::SignatureInvalid,
    ErrorCode::InvalidJson,
    ErrorCode::InvalidMessage,
    ErrorCode::UnknownType,
    ErrorCode::UnknownAction,
    ErrorCode::InvalidParameter,
    ErrorCode::DuplicateId,
    ErrorCode::QueueFull,
    ErrorCode::UnsafeDisabled,
    ErrorCode::ActionBlocked,
    ErrorCode::Unsupported,
    ErrorCode::PermissionDenied,
    ErrorCode::NotFound,
    ErrorCode::Busy,
    ErrorCode::Timeout,
    ErrorCode::ExecutionFailed,
    ErrorCode::Cancelled,
];

fn exchanges() -> Vec<Exchange> {
    exchange::all().expect("readable exchanges")
}

/// The answer to a line with an id; to others it is an `error`.
fn response(exchange: &Exchange) -> Option<Response> {
    match parse_guest_line(&exchange.response.to_string()) {
        Ok(GuestLine::Known(GuestMessage::Response(response))) if exchange.has_id() => Some(response),
        Ok(GuestLine::Known(GuestMessage::Error(_))) if !exchange.has_id() => None,
        other => panic!("{} is answered by {other:?}", exchange.id()),
    }
}

fn answered() -> impl Iterator<Item = (Exchange, Response)> {
    exchanges().into_iter().filter_map(|exchange| response(&exchange).map(|response| (exchange, response)))
}

#[test]
fn the_page_says_what_the_exchanges_say() {
    let path = binary::workspace().join("docs/commands.md");
    let found = fs::read_to_string(&path).expect("readable");
    let (before, rest) = found.split_once(BEGIN).expect("the mark where the exchanges begin");
    let (_, after) = rest.split_once(END).expect("the mark where they end");
    let wanted = format!("{before}{BEGIN}{}{END}{after}", page::render(&exchanges()));
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, &wanted).expect("written");
    }
    let found = fs::read_to_string(&path).expect("readable");
    assert!(found == wanted, "docs/commands.md is stale: run with UPDATE_GENERATED=1");
}

#[test]
fn every_answer_is_a_response_of_the_contract_to_its_request() {
    for (exchange, response) in answered() {
        let id = exchange.id();
        assert_eq!(response.id, id);
        assert_eq!(response.success, response.error_code.is_none(), "{id}");
        assert_eq!(response.success, response.error.is_none(), "{id}");
        if ActionName::from_name(&exchange.action).is_some() || exchange.action == UNSAFE_COMMAND {
            assert_eq!(response.command_type, exchange.action, "{id}");
        }
    }
}

/// Whatever the guest refuses before it carries anything out is refused here with the same code and the same words.
#[test]
fn every_request_parses_or_is_refused_as_documented() {
    for (exchange, response) in answered() {
        let refusal = match parse_host_line(&Exchange::line(&exchange.request)) {
            Ok(HostMessage::SafeCommand(command)) => {
                Action::parse(&command.action, &command.params).err().map(|error| (error.code, error.message))
            }
            Ok(HostMessage::UnsafeCommand(_)) => None,
            Ok(other) => panic!("{}: {other:?}", exchange.id()),
            Err(rejection) => Some((rejection.code, rejection.error)),
        };
        if let Some((code, words)) = refusal {
            assert_eq!(response.error_code, Some(code), "{}", exchange.id());
            // Of actions the agent says more: `hello` lists what it can do.
            let same = response.error.as_deref() == Some(words.as_str());
            assert!(same || code == ErrorCode::UnknownAction, "{}: {words}", exchange.id());
        }
    }
}

#[test]
fn every_success_has_the_data_of_its_action_and_nothing_else() {
    for (exchange, response) in answered() {
        let Some(action) = ActionName::from_name(&exchange.action).filter(|_| response.success) else {
            continue;
        };
        assert!(action.answers_with(&response.data), "{}: {}", exchange.id(), response.data);
    }
}

#[test]
fn every_action_is_shown_succeeding_here_or_naming_its_counterpart() {
    let all = exchanges();
    // What ends the machine, or who it is, is not sent to one that the other exchanges still need.
    let identity = [ActionName::PrepareGoldenImage, ActionName::JoinDomain];
    let is_sent = |action: &ActionName| !action.ends_the_machine() && !identity.contains(action);
    for action in ActionName::ALL.into_iter().filter(is_sent) {
        let of_action = || all.iter().filter(|e| e.action == action.name()).filter_map(response);
        if action.platforms().include("linux") {
            // A script that has ended is there only after a run; the tests of the agent's scripts forget one.
            let is_shown = action == ActionName::ScriptRemove || of_action().any(|response| response.success);
            assert!(is_shown, "{action} never succeeds");
            assert!(
                action == ActionName::UpdateInstall || of_action().any(|response| !response.success),
                "{action} never fails"
            );
            continue;
        }
        let unsupported = of_action().find(|response| response.error_code == Some(ErrorCode::Unsupported));
        let words =
            unsupported.and_then(|response| response.error).unwrap_or_else(|| panic!("{action} is missing"));
        assert!(action.counterpart().is_none_or(|other| words.contains(other.name())), "{words}");
    }
}

#[test]
fn every_code_that_a_command_may_answer_is_shown() {
    let all = exchanges();
    let shown: BTreeSet<&str> = all.iter().filter_map(|e| e.response["error_code"].as_str()).collect();
    let missing = CODES.iter().filter(|code| !shown.contains(code.as_str()));
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<&ErrorCode>::new());
}

#[test]
fn every_directory_is_an_action() {
    let known =
        |name: &str| ActionName::from_name(name).is_some() || [UNSAFE_COMMAND, ANY_COMMAND].contains(&name);
    for exchange in exchanges() {
        assert!(known(&exchange.action), "{}", exchange.id());
    }
}
