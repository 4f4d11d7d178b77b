//! `infinictl keys`: keys of sealed lines. Making and showing them needs no guest.

use super::error::CliError;
use super::global::Global;
use super::key_files::{Stored, kid, random, text, write};
use super::output::Output;
use super::session::{READING, Session};
use clap::Subcommand;
use infiniservice_protocol::sealed::{KEY_BYTES, KeyPair, PublicKey};
use serde_json::json;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What to do with keys.
#[derive(Debug, Subcommand)]
#[allow(clippy::doc_markdown, reason = "these are help texts, and a terminal shows no markdown")]
pub(super) enum Command {
    /// Create a key in a new file that only you may read, and print its public key
    Generate {
        /// The new file
        file: PathBuf,
        /// Name of a controller's key, for the guests' file controller_keys; without it, the key is for a guest
        #[arg(long, value_name = "NAME", value_parser = kid)]
        kid: Option<String>,
    },
    /// Print the public key of a key file, as a line for the guests' file controller_keys
    Show {
        /// The file
        file: PathBuf,
    },
    /// Store the guest's public key in a file for --guest-key: the key that the guest shows now, or --key
    Pin {
        /// The file. If it already has another key, the command fails and does not change it
        file: PathBuf,
        /// The key, if you know it from another source; infinictl then does not ask the guest
        #[arg(long, value_name = "KEY", value_parser = PublicKey::parse)]
        key: Option<PublicKey>,
    },
}

/// Runs it.
pub(super) async fn run(global: &Global, command: Command) -> Result<(), CliError> {
    let out = Output::new(global.json, global.no_color);
    match command {
        Command::Generate { file, kid } => generate(out, &file, kid),
        Command::Show { file } => show(out, &Stored::read(&file)?),
        Command::Pin { file, key: Some(key) } => pin(out, &file, &key),
        Command::Pin { file, key: None } => {
            let session = Session::open(global).await?;
            let asked = session.client.hello(global.wait.unwrap_or(READING)).await;
            session.close().await;
            let sealed = asked?.features.sealed.ok_or_else(|| {
                CliError::Failed(
                    "the guest has no key: controller_keys is not set, or its agent is too old".into(),
                )
            })?;
            let key = PublicKey::parse(&sealed.public_key);
            pin(out, &file, &key.map_err(|problem| CliError::Failed(format!("the guest's key: {problem}")))?)
        }
    }
}

fn generate(out: Output, file: &Path, kid: Option<String>) -> Result<(), CliError> {
    let stored = Stored { kid, key: KeyPair::from_bytes(random::<KEY_BYTES>()?) };
    let name = stored.kid.as_ref().map(|kid| format!("{kid} ")).unwrap_or_default();
    write(file, &format!("{name}{}\n", *stored.key.secret_text()))?;
    show(out, &stored)
}

fn show(out: Output, stored: &Stored) -> Result<(), CliError> {
    if out.json {
        let document = json!({ "kid": stored.kid, "public_key": stored.key.public().to_string() });
        return out.document(&document.to_string());
    }
    out.text(&format!("{}\n", stored.line()))
}

fn pin(out: Output, file: &Path, key: &PublicKey) -> Result<(), CliError> {
    let is_new = match std::fs::symlink_metadata(file) {
        Ok(_) => false,
        Err(error) if error.kind() == ErrorKind::NotFound => true,
        Err(error) => return Err(CliError::Failed(format!("cannot read {}: {error}", file.display()))),
    };
    if is_new {
        write(file, &format!("{key}\n"))?;
    } else {
        let pinned = text(file)?;
        if pinned.trim_end() != key.to_string() {
            let file = file.display();
            return Err(CliError::Failed(format!(
                "the guest's key is not the one in {file}: it was {}, and is now {key}. If the machine was made \
                 anew, remove the file; otherwise somebody may answer in its place",
                crate::text::sanitize::brief(pinned.trim_end())
            )));
        }
    }
    if out.json {
        return out.document(&json!({ "public_key": key.to_string(), "new": is_new }).to_string());
    }
    let what = if is_new { "pinned" } else { "unchanged" };
    out.text(&format!("{what}: {key}\n"))
}

#[cfg(test)]
mod tests {
    use super::super::key_files::host_end;
    use super::*;

    fn out() -> Output {
        Output::new(true, true)
    }

    #[test]
    fn a_key_is_made_once_read_back_and_named() {
        let directory = tempfile::tempdir().unwrap();
        let (own, guest) = (directory.path().join("ops"), directory.path().join("guest"));
        generate(out(), &own, Some("ops-1".into())).unwrap();
        generate(out(), &guest, None).unwrap();
        assert!(generate(out(), &own, None).is_err(), "what is there is not replaced");
        let (stored, of_guest) = (Stored::read(&own).unwrap(), Stored::read(&guest).unwrap());
        assert_eq!(stored.kid.as_deref(), Some("ops-1"));
        assert_eq!(stored.line(), format!("ops-1 {}", stored.key.public()));
        assert_eq!(of_guest.line(), of_guest.key.public().to_string());
        let pinned = directory.path().join("pinned");
        pin(out(), &pinned, of_guest.key.public()).unwrap();
        assert!(host_end(&own, &pinned).is_ok());
        assert!(host_end(&guest, &pinned).is_err(), "a key without a name");
    }

    #[test]
    fn a_key_that_changed_is_not_pinned_over_the_old_one() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("guest");
        let key = |n| KeyPair::from_bytes([n; KEY_BYTES]).public().clone();
        pin(out(), &file, &key(1)).unwrap();
        pin(out(), &file, &key(1)).unwrap();
        let refused = pin(out(), &file, &key(2));
        assert!(matches!(&refused, Err(CliError::Failed(why)) if why.contains("is not the one in")));
        assert_eq!(text(&file).unwrap().trim_end(), key(1).to_string());
    }

    #[test]
    fn a_guest_s_key_to_which_nothing_can_be_sealed_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (own, guest) = (directory.path().join("ops"), directory.path().join("guest"));
        generate(out(), &own, Some("ops-1".into())).unwrap();
        pin(out(), &guest, &PublicKey::from_bytes([0; KEY_BYTES])).unwrap();
        assert!(host_end(&own, &guest).is_err());
    }
}
