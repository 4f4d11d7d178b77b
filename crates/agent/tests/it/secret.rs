//! The shared secret in the life of the real program: what the kernel and the log show of it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

const SECRET: &str = "correct-horse-battery";

/// A running agent without a port, told everything that it logs; ended with the test.
struct Agent(Child);

impl Agent {
    fn start(environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_infiniservice"));
        command.args(["--console", "--no-virtio", "--log-level", "trace"]);
        command.args(["--set", "shutdown_timeout_secs=1"]);
        command.env_clear().envs(environment.iter().copied()).stdin(Stdio::null());
        Self(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts"))
    }

    fn file(&self, name: &str) -> Vec<u8> {
        std::fs::read(format!("/proc/{}/{name}", self.0.id())).expect("it runs")
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn contains(bytes: &[u8], part: &str) -> bool {
    bytes.windows(part.len()).any(|window| window == part.as_bytes())
}

#[test]
fn the_secret_is_gone_from_the_environment_that_the_kernel_shows_and_from_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("config.toml");
    std::fs::write(&config, "").unwrap();
    let variables = [
        ("INFINIBAY_VM_ID", "vm-7"),
        ("INFINISERVICE_SHARED_SECRET", SECRET),
        ("INFINISERVICE_CONFIG", config.to_str().unwrap()),
        ("LANG", "C.UTF-8"),
    ];
    let mut agent = Agent::start(&variables);
    let mut log = BufReader::new(agent.0.stderr.take().unwrap());
    let mut told = String::new();
    while !told.contains(" starts") {
        assert_ne!(log.read_line(&mut told).unwrap(), 0, "{told}");
    }
    let environment = agent.file("environ");
    assert!(contains(&environment, "INFINIBAY_VM_ID=vm-7") && contains(&environment, "LANG=C.UTF-8"));
    assert!(!contains(&environment, SECRET), "{}", environment.escape_ascii());
    assert!(!contains(&agent.file("cmdline"), SECRET));
    agent.0.kill().unwrap();
    log.read_to_string(&mut told).unwrap();
    assert!(!told.contains(SECRET), "{told}");
}
