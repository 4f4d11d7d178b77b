//! `Autochecks` on a clock that is wrong, and put right by the remediation that the check itself offers.

use super::{checked, expect, of, remedy};
use crate::support::{Undo, with_host};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::data::CheckStatus;

pub const SCENARIOS: &[Scenario] =
    &[("autochecks::a_wrong_clock_is_found_and_put_right_by_its_own_remediation", wrong_clock)];

/// A time server (RFC 5905, mode 4) that has its time from the hardware clock, which the hypervisor keeps.
const TIME_SERVER: &str = r#"
import socket, struct, time
def now():
    # The clock tells whole seconds.
    secs = int(open("/sys/class/rtc/rtc0/since_epoch").read()) + 2208988800
    return struct.pack("!II", secs, 1 << 31)
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 123))
while True:
    asked, host = server.recvfrom(1024)
    head = struct.pack("!BBbbII4s", 0x24, 1, 6, -20, 0, 0, b"LAB\0")
    server.sendto(head + now() + asked[40:48] + now() + now(), host)
"#;
const START: &str = "systemctl stop systemd-timesyncd && mkdir -p /run/systemd/timesyncd.conf.d && \
    printf '[Time]\nNTP=127.0.0.1\n' > /run/systemd/timesyncd.conf.d/lab.conf && \
    systemd-run -q --unit lab-time python3 /run/lab-time.py && date -s '+400 seconds'";
/// The clock from the hardware's, and the kernel's word that nobody steers it: adjtimex(2) with `ADJ_STATUS` and
/// `ADJ_MAXERROR`, `STA_UNSYNC` and 16 s.
const STOP: &str = "systemctl stop lab-time; rm -f /run/lab-time.py /run/systemd/timesyncd.conf.d/lab.conf; \
    systemctl restart systemd-timesyncd; date -s @$(cat /sys/class/rtc/rtc0/since_epoch); \
    perl -e '$t = pack(\"I x4 q4 i x164\", 0x14, 0, 0, 16000000, 0, 0x40); syscall(159, $t)'";

fn wrong_clock(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, STOP);
    guest.machine.write_file("/run/lab-time.py", TIME_SERVER.as_bytes())?;
    guest.sh(START)?;
    let names = ["time_sync", "clock_skew"];
    with_host(guest, |client| {
        let wrong = checked(guest, client, &names)?;
        expect(of(&wrong, "time_sync")?, CheckStatus::Warning, "no time synchronisation daemon is running")?;
        expect(of(&wrong, "clock_skew")?, CheckStatus::Failed, "ahead of the hardware clock")?;
        let started = remedy(guest, client, of(&wrong, "time_sync")?)?;
        ensure!(started.data["status"] == "running", "{started:?}");
        guest.until("the daemon has set the clock", |guest| {
            Ok(guest.sh("timedatectl show -p NTPSynchronized --value")? == "yes")
        })?;
        let right = checked(guest, client, &names)?;
        expect(of(&right, "time_sync")?, CheckStatus::Passed, "")?;
        expect(of(&right, "clock_skew")?, CheckStatus::Passed, "")
    })
}
