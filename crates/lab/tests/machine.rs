//! The lab against a real machine: boot, shell, files, the agent's port pulled and put back, reset, payload.
//!
//! Runs only where `INFINISERVICE_VM=1` is set, which `cargo xtask test` does: it takes half a minute.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use infiniservice_lab::{BootOptions, Exec, Machine};

/// An agent that answers the first line that it reads from its port. With no host connected it would read an end.
const ECHO_AGENT: &str = "exec 3<>/dev/virtio-ports/org.infinibay.agent
read -r line <&3
echo \"guest: $line\" >&3
";

#[test]
fn a_machine_does_what_the_tests_need_of_it() {
    if std::env::var_os("INFINISERVICE_VM").is_none_or(|value| value != "1") {
        eprintln!("left out: boots a virtual machine, set INFINISERVICE_VM=1");
        return;
    }
    if std::env::var_os("INFINISERVICE_LAB").is_some_and(|value| value == "namespace" || value == "usermode")
    {
        eprintln!("left out: INFINISERVICE_LAB asks for no emulated machine");
        return;
    }
    let payload = tempfile::tempdir().unwrap();
    fs::write(payload.path().join("hello"), "from the host\n").unwrap();
    let options = BootOptions { payload: Some(payload.path().to_path_buf()), ..BootOptions::default() };
    let machine = Machine::boot(&options).unwrap();

    system_is_whole(&machine);
    programs_run(&machine);
    files_are_written(&machine);
    payload_is_mounted(&machine);
    agent_port_carries_bytes(&machine);
    agent_port_is_pulled_and_put_back(&machine);
    changed_files_survive_resets(&machine);
    failures_show_the_console(&machine);
}

fn output(machine: &Machine, script: &str) -> String {
    machine.shell(script).unwrap().expect_success().unwrap()
}

fn system_is_whole(machine: &Machine) {
    assert_eq!(output(machine, "systemctl is-system-running"), "running");
    let address = output(machine, "ip -4 -brief address show up scope global");
    assert!(address.contains("10.0.2.15/24"), "an address by DHCP: {address}");
    assert_eq!(
        output(machine, "cat /etc/apt/sources.list.d/* /etc/apt/sources.list 2>/dev/null | wc -l"),
        "0"
    );
}

fn programs_run(machine: &Machine) {
    let failed = machine.shell("echo out; echo err >&2; exit 7").unwrap();
    assert_eq!(
        (failed.exit_code, failed.stdout.as_str(), failed.stderr.as_str()),
        (Some(7), "out\n", "err\n")
    );
    let large = vec![b'x'; 300_000];
    let counted = machine.run(&Exec::argv(&["wc", "-c"]).stdin(large)).unwrap();
    assert_eq!(counted.expect_success().unwrap(), "300000");
    let killed =
        machine.run(&Exec::shell("sleep 1000 & sleep 1000").timeout(Duration::from_secs(1))).unwrap();
    assert_eq!(killed.exit_code, Some(124));
    assert_eq!(output(machine, "ps -o stat= -C sleep | grep -vc Z; true"), "0", "its children are gone too");
}

fn files_are_written(machine: &Machine) {
    let contents: Vec<u8> = (0..=255).cycle().take(1_500_000).collect();
    machine.write_file("/root/file", &contents).unwrap();
    let same =
        "wanted = (bytes(range(256)) * 6000)[:1500000]; print(open('/root/file', 'rb').read() == wanted)";
    assert_eq!(machine.exec(&["python3", "-c", same]).unwrap().expect_success().unwrap(), "True");
}

fn payload_is_mounted(machine: &Machine) {
    assert_eq!(output(machine, "cat /mnt/payload/hello"), "from the host");
    assert!(!machine.shell("touch /mnt/payload/hello").unwrap().success(), "it is read-only");
}

fn agent_port_carries_bytes(machine: &Machine) {
    let mut host = UnixStream::connect(machine.agent_socket()).unwrap();
    machine.write_file("/root/echo-agent", ECHO_AGENT.as_bytes()).unwrap();
    output(machine, "systemd-run --quiet --collect /bin/sh /root/echo-agent");
    host.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    host.write_all(b"a line\n").unwrap();
    let mut answer = String::new();
    BufReader::new(&host).read_line(&mut answer).unwrap();
    assert_eq!(answer, "guest: a line\n");
}

fn agent_port_is_pulled_and_put_back(machine: &Machine) {
    let present = "ls /sys/class/virtio-ports/*/name | xargs cat | grep -c infinibay; true";
    assert_eq!(output(machine, present), "1");
    machine.unplug_agent_port().unwrap();
    assert_eq!(output(machine, present), "0");
    machine.plug_agent_port(infiniservice_lab::machine::options::AGENT_PORT).unwrap();
    output(
        machine,
        "timeout 30 sh -c 'until [ -e /dev/virtio-ports/org.infinibay.agent ]; do sleep 0.1; done'",
    );
    agent_port_carries_bytes(machine);
}

fn changed_files_survive_resets(machine: &Machine) {
    let boot_id = "cat /proc/sys/kernel/random/boot_id";
    let first = output(machine, boot_id);
    output(machine, "echo kept > /root/kept; sync");
    machine.reset().unwrap();
    let second = output(machine, boot_id);
    assert_ne!(first, second);
    machine.reboot().unwrap();
    assert_ne!(output(machine, boot_id), second);
    assert_eq!(output(machine, "cat /root/kept /mnt/payload/hello"), "kept\nfrom the host");
}

fn failures_show_the_console(machine: &Machine) {
    output(machine, "echo the last words > /dev/console");
    assert!(machine.console_tail(5).contains("the last words"));
    let error = machine.exec(&["no-such-program"]).unwrap().expect_success().unwrap_err();
    assert!(error.to_string().contains("no-such-program"), "{error}");
    let error = machine.qmp("no-such-command", &serde_json::json!({})).unwrap_err();
    assert!(format!("{error:#}").contains("the last words"), "{error:#}");
}
