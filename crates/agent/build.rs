//! Puts the texts of the Event Log's events into the Windows program; does nothing for other systems.

use std::env;
use std::path::Path;
use std::process::Command;

/// Made of `events.mc`, which says how.
const MESSAGES: &str = "../actions/messages/events.res";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={MESSAGES}");
    let of_target = |name: &str| env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    if of_target("OS") != "windows" {
        return;
    }
    let resource = Path::new(env!("CARGO_MANIFEST_DIR")).join(MESSAGES);
    // Microsoft's linkers take a compiled resource as it is, GNU's only an object file.
    let input = if of_target("ENV") == "msvc" { resource } else { object(&resource, &of_target("ARCH")) };
    println!("cargo:rustc-link-arg-bins={}", input.display());
}

/// The resource as an object file, by the `windres` that belongs to the linker.
fn object(resource: &Path, architecture: &str) -> std::path::PathBuf {
    let made = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("events.o");
    let programs = [format!("{architecture}-w64-mingw32-windres"), "windres".into()];
    let convert = |program: &String| {
        let mut windres = Command::new(program);
        windres.args(["-J", "res", "-O", "coff", "-i"]).arg(resource).arg("-o").arg(&made);
        windres.status().is_ok_and(|status| status.success())
    };
    assert!(programs.iter().any(convert), "mingw's windres is missing or failed: {programs:?}");
    made
}
