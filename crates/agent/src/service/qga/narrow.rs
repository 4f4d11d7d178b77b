//! What an operator blocked for qemu-ga stays blocked: its own configuration is read, but only to narrow.

use infiniservice_qga::policy::Policy;
use infiniservice_qga_commands::configurations;
use std::fs;

/// A configuration is no longer than this.
const MAX_BYTES: usize = 64 << 10;
/// Keys of lists; the first two are qemu-ga's, old and new, the others of distributions' files.
const BLOCKS: [&str; 4] = ["block-rpcs", "blacklist", "BLOCK_RPCS", "BLACKLIST_RPC"];
const ALLOWS: [&str; 2] = ["allow-rpcs", "ALLOW_RPCS"];

/// Narrows the policy by the files that are there.
pub(super) fn narrow(policy: &mut Policy) {
    for path in configurations() {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if narrow_by(policy, text.get(..MAX_BYTES).unwrap_or(&text)) {
            log::info!("{} turns off commands of the QEMU guest agent's protocol here too", path.display());
        }
    }
}

/// Whether the text narrows anything.
fn narrow_by(policy: &mut Policy, text: &str) -> bool {
    let (blocked, allowed) = (lists(text, &BLOCKS), lists(text, &ALLOWS));
    if let Some(names) = &blocked {
        policy.block(names.iter().map(String::as_str));
    }
    if let Some(names) = &allowed {
        policy.allow_only(names.iter().map(String::as_str));
    }
    blocked.is_some() || allowed.is_some()
}

/// All names of the lists with these keys, also where one is an argument within another value; `None`: there is no such list.
fn lists(text: &str, keys: &[&str]) -> Option<Vec<String>> {
    let of_line = |line: &str| {
        let line = line.trim();
        let rest = keys.iter().find_map(|key| after(line, key))?;
        let end = rest.find(['"', '\'', '#']).unwrap_or(rest.len());
        let names =
            rest.get(..end)?.split([',', ' ', ';']).map(str::trim).filter(|name| name.starts_with("guest-"));
        Some(names.map(str::to_owned).collect::<Vec<_>>())
    };
    let found: Vec<Vec<String>> =
        text.lines().filter(|line| !line.trim().starts_with('#')).filter_map(of_line).collect();
    (!found.is_empty()).then(|| found.concat()).filter(|names| !names.is_empty())
}

/// What stands behind `key=`, `key =` or `--key=`, without an opening quote.
fn after<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let at = line.find(key)?;
    let rest = line.get(at + key.len()..)?.trim_start().strip_prefix('=')?;
    Some(rest.trim_start().trim_start_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_qga::table::Platform;

    fn on(text: &str) -> Vec<&'static str> {
        let mut policy = Policy::all(Platform::Linux);
        narrow_by(&mut policy, text);
        policy.rows().filter(|row| policy.is_on(row)).map(|row| row.name).collect()
    }

    #[test]
    fn what_is_blocked_for_qemu_ga_is_blocked_here_in_each_way_of_saying_it() {
        for text in [
            "[general]\nblock-rpcs = guest-exec, guest-file-open\n",
            "[general]\nblacklist=guest-exec,guest-file-open\n",
            "BLACKLIST_RPC=guest-exec,guest-file-open\n",
            "FILTER_RPC_ARGS=\"--block-rpcs=guest-exec,guest-file-open\"\n",
        ] {
            let on = on(text);
            assert!(!on.contains(&"guest-exec") && !on.contains(&"guest-file-open"), "{text}");
            assert!(on.contains(&"guest-get-time") && on.contains(&"guest-file-read"), "{text}");
        }
    }

    #[test]
    fn a_list_of_allowed_commands_leaves_no_others_but_those_that_are_always_on() {
        let on = on("FILTER_RPC_ARGS=\"--allow-rpcs=guest-get-time,guest-shutdown\"\n");
        assert!(on.contains(&"guest-shutdown") && on.contains(&"guest-ping"), "{on:?}");
        assert!(!on.contains(&"guest-get-osinfo"), "{on:?}");
    }

    #[test]
    fn a_file_without_lists_and_a_remark_change_nothing() {
        let all = on("");
        assert_eq!(on("[general]\ndaemon=true\n# block-rpcs=guest-get-time\nblock-rpcs=\n"), all);
    }
}
