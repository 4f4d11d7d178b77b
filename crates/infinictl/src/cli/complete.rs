//! Completions: shells ask this program what may stand where the cursor is, so that names of machines are among it.

use super::error::CliError;
use crate::hub::Api;
use clap_complete::Shell;
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::{CompleteEnv, Shells};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

/// The variable by which a shell says that it asks, and which shell it is.
const VARIABLE: &str = "INFINICTL_COMPLETE";
/// A person who presses Tab waits no longer for a hub.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// Answers a shell that asks, and ends; returns where none does.
pub(super) fn answer(command: impl Fn() -> clap::Command) {
    CompleteEnv::with_factory(command).var(VARIABLE).complete();
}

/// What a shell is to read once, so that it asks.
pub(super) fn script(shell: Shell) -> Result<Vec<u8>, CliError> {
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let name = shell.to_string();
    let completer =
        shells.completer(&name).ok_or_else(|| CliError::Usage(format!("{name} is not supported")))?;
    completer.write_registration(VARIABLE, "infinictl", "infinictl", "infinictl", &mut script)?;
    if shell == Shell::Zsh {
        // Where zsh has loaded this file because of a first Tab, it waits for the answer to that.
        script.extend_from_slice(
            b"[ \"$funcstack[1]\" = _infinictl ] && _clap_dynamic_completer_infinictl \"$@\"\n",
        );
    }
    Ok(script)
}

/// Machines whose names begin so; none where there is no hub, or it does not answer at once.
pub(super) fn machines(begin: &OsStr) -> Vec<CompletionCandidate> {
    let (Some(begin), Ok(runtime)) =
        (begin.to_str(), tokio::runtime::Builder::new_current_thread().enable_all().build())
    else {
        return Vec::new();
    };
    let api = Api::new(&hub(std::env::args_os()).join("api.sock"));
    let address = address(begin);
    let asked = runtime.block_on(async { tokio::time::timeout(ANSWER_WITHIN, api.get(&address)).await });
    let Ok(Ok(document)) = asked else { return Vec::new() };
    let names = document.as_array().into_iter().flatten().filter_map(|machine| machine["name"].as_str());
    names.filter(|name| name.starts_with(begin) && is_plain(name)).map(CompletionCandidate::new).collect()
}

/// The hub asks for as little as it can: where the beginning is one that a selector can have.
fn address(begin: &str) -> String {
    let select =
        if !begin.is_empty() && is_plain(begin) { format!("name={begin}*") } else { "all".to_owned() };
    format!("/v1/vms?select={}", utf8_percent_encode(&select, NON_ALPHANUMERIC))
}

/// Of letters that no shell takes for its own. A hub gives no other names; what claims to be one may.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.@+".contains(&byte))
}

/// The directory that the line before the cursor names, or the usual one.
fn hub(arguments: impl Iterator<Item = OsString>) -> PathBuf {
    let words: Vec<OsString> = arguments.skip_while(|word| word != "--").collect();
    let named = words
        .iter()
        .zip(words.iter().skip(1))
        .find(|(word, _)| *word == "--hub")
        .map(|(_, path)| path.into());
    crate::hub::place(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hub_is_the_one_that_the_line_names() {
        let hub = |line: &str| hub(line.split(' ').map(OsString::from));
        assert_eq!(hub("infinictl -- infinictl --hub /srv/hub --vm w"), PathBuf::from("/srv/hub"));
        assert_eq!(hub("infinictl --hub /not/this -- infinictl --vm w"), PathBuf::from("/run/infinihub"));
    }

    #[test]
    fn a_name_that_a_shell_would_take_apart_is_none() {
        for plain in ["web-017", "db_1.example", "a@b"] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in ["a b", "$(x)", "a;b", "a\u{b}b", "ä", "a:b", "'"] {
            assert!(!is_plain(other), "{other}");
        }
        assert_eq!(address("we"), "/v1/vms?select=name%3Dwe%2A");
        assert_eq!(address(","), "/v1/vms?select=all");
    }
}
