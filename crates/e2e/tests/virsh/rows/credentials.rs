//! SSH keys and passwords, which this table's agent is told to allow.

use super::Row;
use crate::guest::{Guest, NAME};
use anyhow::{Result, ensure};
use std::fs;

pub const ROWS: &[Row] = &[
    Row::new(
        "set-user-sshkeys --file, get-user-sshkeys, --remove, --reset",
        "the keys, and then those that are left",
        keys,
    ),
    Row::new("set-user-password", "the login works", password),
    Row::new("set-user-password --encrypted GARBAGE", "rc 1", garbage),
];

const USER: &str = "tester";
const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEQ1cmR0b25lLW9mLXRoZS10YWJsZS0wMDAwMDAw one@table";
const OTHER: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEQ1cmR0b25lLW9mLXRoZS10YWJsZS0wMDAwMDAx other@table";

fn keys(guest: &Guest) -> Result<String> {
    let (one, other) = (guest.file("one.pub"), guest.file("other.pub"));
    // Virsh sends the end of such a file as an empty key.
    fs::write(&one, format!("{ONE}\n"))?;
    fs::write(&other, format!("{OTHER}\n"))?;
    let set = |options: &[&str]| guest.virsh(&[&["set-user-sshkeys", NAME, USER], options].concat());
    let held = || guest.virsh(&["get-user-sshkeys", NAME, USER]);
    let (one, other) = (one.to_string_lossy(), other.to_string_lossy());
    let mut seen = Vec::new();
    for (options, expected) in [
        (vec!["--file", &one], ONE.to_owned()),
        (vec!["--file", &other], format!("{ONE}\n{OTHER}")),
        (vec!["--remove", "--file", &one], OTHER.to_owned()),
        (vec!["--reset", "--file", &one], ONE.to_owned()),
    ] {
        set(&options)?;
        let now = held()?;
        // libvirt 9.0 prints no line ends between keys.
        ensure!(now.replace('\n', "") == expected.replace('\n', ""), "after {options:?}: {now}");
        seen.push(now.matches("ssh-ed25519").count().to_string());
    }
    let modes = guest.inside("stat -c '%a %U' /home/tester/.ssh /home/tester/.ssh/authorized_keys")?;
    ensure!(modes == "700 tester\n600 tester", "{modes}");
    Ok(format!("{} keys one after the other, in files of the user's own", seen.join(", ")))
}

/// As somebody who is not root: `su` asks for the password, and reads it where no terminal is.
const LOG_IN: &str = "echo correct-horse | setpriv --reuid=65534 --clear-groups su tester -c 'id -un'";

fn password(guest: &Guest) -> Result<String> {
    ensure!(guest.inside(LOG_IN).is_err(), "the password is right before it is set");
    guest.virsh(&["set-user-password", NAME, USER, "correct-horse"])?;
    let said = guest.inside(LOG_IN)?;
    ensure!(said.ends_with(USER), "{said}");
    Ok(format!("su by that password: {USER}"))
}

fn garbage(guest: &Guest) -> Result<String> {
    let words = guest.refused(&["set-user-password", NAME, USER, "--encrypted", "a:b\nc"])?;
    let error = words.lines().find(|line| line.starts_with("error:")).unwrap_or(&words);
    Ok(format!("rc 1: {error}"))
}
