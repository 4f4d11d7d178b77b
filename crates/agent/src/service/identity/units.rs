//! The unit's drop-ins, by which installers set name and secret (systemd.unit(5), systemd.exec(5)).

use super::Taken;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

const DIRECTORY: &str = "etc/systemd/system";
const UNITS: [&str; 2] = ["infiniservice.service", "infiniservice-readonly.service"];
const CREDENTIALS: [&str; 2] =
    ["LoadCredential=infiniservice.shared_secret:", "LoadCredential=infiniservice.sealed_key:"];
/// A longer unit is none of ours.
const UNIT_MAX_BYTES: u64 = 1 << 20;
/// Drop-ins of one unit.
const DROP_INS_MAX: usize = 1000;

/// Removes the lines that set one of these variables or the secret's credential; what the next start lacks then.
pub(super) fn take(root: &Path, variables: &[&'static str]) -> Result<Taken, String> {
    let mut taken = Taken::default();
    for file in files(root) {
        let told = |error: io::Error| format!("{}: {error}", file.display());
        let metadata = fs::symlink_metadata(&file).map_err(told)?;
        if !metadata.is_file() || metadata.len() > UNIT_MAX_BYTES {
            continue;
        }
        let text = fs::read_to_string(&file).map_err(told)?;
        let rest = without(&text, root, variables, &mut taken);
        if rest != text {
            replace(&file, &rest, metadata.mode()).map_err(told)?;
        }
    }
    Ok(taken)
}

fn files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for unit in UNITS {
        let unit = root.join(DIRECTORY).join(unit);
        let drop_ins = unit.with_extension("service.d");
        files.extend(Some(unit).filter(|unit| unit.is_file()));
        let entries = fs::read_dir(drop_ins).into_iter().flatten().flatten().take(DROP_INS_MAX);
        let mut own: Vec<_> = entries.map(|entry| entry.path()).collect();
        own.retain(|path| path.extension().is_some_and(|extension| extension == "conf"));
        own.sort();
        files.extend(own);
    }
    files
}

fn without(text: &str, root: &Path, variables: &[&'static str], taken: &mut Taken) -> String {
    let keeps = |line: &&str| {
        let line = line.trim();
        if let Some(path) = CREDENTIALS.iter().find_map(|credential| line.strip_prefix(credential)) {
            taken.credential = true;
            taken.files.push(root.join(path.trim_start_matches('/')));
            return false;
        }
        let set = line.strip_prefix("Environment=").map(|rest| rest.trim_start_matches(['"', '\'']));
        let name = set.and_then(|rest| rest.split_once('=')).map(|(name, _)| name);
        let found = variables.iter().find(|variable| name == Some(**variable));
        taken.variables.extend(found);
        found.is_none()
    };
    text.split_inclusive('\n').filter(keeps).collect()
}

/// The file appears whole, with the mode that it had.
fn replace(file: &Path, text: &str, mode: u32) -> io::Result<()> {
    let fresh = file.with_extension("new");
    let _none_is_left_over = fs::remove_file(&fresh);
    let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(mode & 0o777).open(&fresh)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    rustix::fs::fchmod(&out, rustix::fs::Mode::from_raw_mode(mode & 0o777))?;
    fs::rename(&fresh, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VARIABLES: [&str; 2] = ["INFINISERVICE_VM_ID", "INFINISERVICE_SHARED_SECRET_FILE"];

    #[test]
    fn only_the_lines_of_name_and_secret_leave_the_drop_ins() {
        let root = tempfile::tempdir().expect("a directory");
        let drop_ins = root.path().join("etc/systemd/system/infiniservice.service.d");
        fs::create_dir_all(&drop_ins).expect("made");
        let profile = "[Service]\nEnvironment=INFINISERVICE_WIRE_PROFILE=infinibay\n\
            Environment=INFINISERVICE_SHARED_SECRET_FILE=/etc/infiniservice/shared_secret\n";
        let own = "[Service]\nEnvironment=\"INFINISERVICE_VM_ID=vm-1\"\nMemoryMax=1G\n\
            LoadCredential=infiniservice.shared_secret:/etc/infiniservice/secret\n\
            LoadCredential=infiniservice.sealed_key:/etc/infiniservice/key\n";
        fs::write(drop_ins.join("10-vm-id.conf"), own).expect("written");
        fs::write(drop_ins.join("20-infinibay.conf"), profile).expect("written");
        fs::write(drop_ins.join("README"), own).expect("written");
        let taken = take(root.path(), &VARIABLES).expect("taken");
        assert_eq!(taken.variables, VARIABLES);
        assert!(taken.credential);
        assert_eq!(
            taken.files,
            ["secret", "key"].map(|name| root.path().join("etc/infiniservice").join(name))
        );
        let read = |name: &str| fs::read_to_string(drop_ins.join(name)).expect("read");
        assert_eq!(read("10-vm-id.conf"), "[Service]\nMemoryMax=1G\n");
        assert_eq!(
            read("20-infinibay.conf"),
            "[Service]\nEnvironment=INFINISERVICE_WIRE_PROFILE=infinibay\n"
        );
        assert_eq!(read("README"), own);
        assert_eq!(take(root.path(), &VARIABLES), Ok(Taken::default()));
    }
}
