//! The agent's files as Windows or Wine keeps them, in a directory of the test's own.

use super::*;

const EVERYBODY: &str = "O:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;WD)";
const READERS: &str = "O:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1200a9;;;WD)";

fn found(path: &Path) -> Descriptor {
    look_at(path).unwrap().1
}

fn others_write(path: &Path) -> bool {
    access::others_may_write(&found(path), &own_account().unwrap().sid)
}

fn others_read(path: &Path) -> bool {
    access::secret_is_safe(&found(path), &own_account().unwrap().sid).is_err()
}

fn world() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    // Wine gives what the directory above lets others do as well, though it is told not to: here nothing.
    let above = directory.path().join("ProgramData");
    create_directory(&above, OURS).unwrap();
    let config = above.join("InfiniService").join("config.toml");
    (directory, config)
}

#[test]
fn a_directory_that_is_gone_is_made_anew_closed_and_one_that_is_there_is_no_error() {
    let (_directory, config) = world();
    for _ in 0..2 {
        assert_eq!(at_start_of(&config), Ok(vec![]));
        let directory = config.parent().unwrap();
        assert!(!others_write(directory) && !others_read(directory), "{:?}", found(directory));
    }
}

#[test]
fn what_others_may_write_is_closed_at_the_start() {
    let (_directory, config) = world();
    at_start_of(&config).unwrap();
    let all =
        [config.clone(), last_good::last_good_path(&config), config.with_file_name("infiniservice.log")];
    for path in &all {
        fs::write(path, "").unwrap();
        set(path, EVERYBODY).unwrap();
        assert!(others_write(path), "{:?}", found(path));
    }
    set(config.parent().unwrap(), EVERYBODY).unwrap();
    at_start_of(&config).unwrap();
    for path in all.iter().map(PathBuf::as_path).chain(config.parent()) {
        assert!(!others_write(path), "{}: {:?}", path.display(), found(path));
    }
}

#[test]
fn a_list_that_an_administrator_chose_stays_where_nobody_else_may_write() {
    let (_directory, config) = world();
    at_start_of(&config).unwrap();
    fs::write(&config, "").unwrap();
    set(&config, READERS).unwrap();
    at_start_of(&config).unwrap();
    assert!(others_read(&config), "{:?}", found(&config));
    protect(&config, |_, _| true).unwrap();
    assert!(!others_read(&config), "an installation closes it");
}
