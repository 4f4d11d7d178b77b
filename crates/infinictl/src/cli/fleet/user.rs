//! `infinictl fleet user`: users of the NATS server. Making one needs neither the server nor a hub.

use crate::cli::error::CliError;
use crate::cli::key_files::{random, write};
use crate::cli::output::Output;
use crate::fleet::{KEY_BYTES, Role, is_public, new_user, user};
use infiniservice_fleet::name::{is_hub, is_vm};
use serde_json::json;
use std::path::PathBuf;

/// Whose user, and with which key.
#[derive(clap::Args, Debug)]
#[command(group(clap::ArgGroup::new("whose").required(true).args(["user_hub", "coordinator", "person", "watcher", "exporter", "leaf"])))]
#[command(group(clap::ArgGroup::new("key_of").required(true).args(["seed", "public"])))]
pub(in crate::cli) struct Args {
    /// A hub, by its name ([fleet] hub in its configuration)
    #[arg(long = "of-hub", id = "user_hub", value_name = "NAME", value_parser = hub)]
    hub: Option<String>,
    /// A hub that may be the coordinator of all (coordinator = true)
    #[arg(long, value_name = "NAME", value_parser = hub)]
    coordinator: Option<String>,
    /// Somebody who orders jobs
    #[arg(long = "of-operator", id = "person", value_name = "NAME", value_parser = name)]
    operator: Option<String>,
    /// Somebody, or a program, that only looks
    #[arg(long, value_name = "NAME", value_parser = name)]
    watcher: Option<String>,
    /// An exporter of all figures, by its name ([fleet] hub in its configuration)
    #[arg(long, value_name = "NAME", value_parser = hub)]
    exporter: Option<String>,
    /// The server of a site (leaf.conf)
    #[arg(long)]
    leaf: bool,
    /// Create the user's seed in a new file that only you may read
    #[arg(long, value_name = "PATH")]
    seed: Option<PathBuf>,
    /// The user's public key (U…), if its seed is elsewhere
    #[arg(long, value_name = "KEY", value_parser = public)]
    public: Option<String>,
}

fn hub(text: &str) -> Result<String, String> {
    let wrong = "must be letters, digits, `-`, `_` and `.`, with a letter or digit first";
    if is_hub(text) { Ok(text.to_owned()) } else { Err(wrong.to_owned()) }
}

fn name(text: &str) -> Result<String, String> {
    let plain = is_vm(text) && !text.chars().any(char::is_control);
    if plain {
        Ok(text.to_owned())
    } else {
        Err("must have 1 to 256 bytes, and no control characters".to_owned())
    }
}

fn public(text: &str) -> Result<String, String> {
    if is_public(text) {
        Ok(text.to_owned())
    } else {
        Err("must be a user's public nkey: U and 55 more characters".to_owned())
    }
}

impl Args {
    fn role(&self) -> Role {
        match self {
            Self { hub: Some(hub), .. } => Role::Hub(hub.clone()),
            Self { coordinator: Some(hub), .. } => Role::Coordinator(hub.clone()),
            Self { operator: Some(name), .. } => Role::Operator(name.clone()),
            Self { watcher: Some(name), .. } => Role::Watcher(name.clone()),
            Self { exporter: Some(name), .. } => Role::Exporter(name.clone()),
            _ => Role::Leaf,
        }
    }
}

/// Runs it.
pub(super) fn run(args: &Args, out: Output) -> Result<(), CliError> {
    let key = match (&args.seed, &args.public) {
        (Some(file), _) => {
            let (seed, public) = new_user(random::<KEY_BYTES>()?);
            write(file, &format!("{seed}\n"))?;
            public
        }
        (None, public) => public.clone().unwrap_or_default(),
    };
    let part = user(&args.role(), &key);
    if out.json {
        out.document(&json!({ "public_key": key, "part": part }).to_string())
    } else {
        out.text(&part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser as _;

    fn parsed(line: &str) -> Result<Cli, String> {
        Cli::try_parse_from(line.split(' ')).map_err(|error| error.to_string())
    }

    #[test]
    fn a_user_has_one_role_and_one_key() {
        let (_, key) = new_user([3; KEY_BYTES]);
        assert!(parsed(&format!("infinictl fleet user --of-hub host-1 --public {key}")).is_ok());
        for (wrong, told) in [
            ("infinictl fleet user --of-hub host-1", "--seed"),
            ("infinictl fleet user --leaf --of-hub host-1 --seed x", "cannot be used with"),
            ("infinictl fleet user --seed x", "--of-hub"),
            ("infinictl fleet user --of-hub ../x --seed x", "letter or digit first"),
            ("infinictl fleet user --leaf --public UABC", "public nkey"),
        ] {
            let error = parsed(wrong).unwrap_err();
            assert!(error.contains(told), "{wrong}: {error}");
        }
    }
}
