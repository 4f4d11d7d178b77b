//! Ending or suspending the machine: logind or systemd is asked over D-Bus. Where neither is there, the system's own programs end
//! it, and the kernel itself suspends it.

use super::change;
use crate::work::failed;
use infiniservice_exec::{Cancellation, Program, Request as Run, RunError, Runner};
use infiniservice_platform::systemd::{Rest, SystemdError, UnitClient};
use infiniservice_qga::request::ShutdownMode;
use infiniservice_qga::{Error, Reply, Request};
use std::fmt::Display;
use std::fs;
use std::time::Duration;

const UNSUPPORTED: &str = "the requested suspend mode is not supported by the guest";

/// What ends a system without systemd, in the order in which it is tried: other init programs come with the first, all but the
/// smallest systems have the second.
type Programs = [(&'static str, &'static [&'static str]); 2];
/// shutdown(8) of sysvinit: these words go to whoever is logged in.
const SAID: &str = "hypervisor initiated shutdown";
const POWER_OFF: Programs = [("/sbin/poweroff", &[]), ("/sbin/shutdown", &["-h", "-P", "+0", SAID])];
const HALT: Programs = [("/sbin/halt", &[]), ("/sbin/shutdown", &["-h", "-H", "+0", SAID])];
const REBOOT: Programs = [("/sbin/reboot", &[]), ("/sbin/shutdown", &["-r", "+0", SAID])];
/// How long such a program may take to tell the init program.
const TIMEOUT: Duration = Duration::from_secs(60);

/// `guest-shutdown`.
pub async fn shut_down(units: &UnitClient, runner: &dyn Runner, mode: ShutdownMode) -> Result<Reply, Error> {
    let (rest, programs) = match mode {
        ShutdownMode::Powerdown => (Rest::PowerOff, POWER_OFF),
        ShutdownMode::Halt => (Rest::Halt, HALT),
        ShutdownMode::Reboot => (Rest::Reboot, REBOOT),
    };
    match units.rest(rest).await {
        Ok(()) => Ok(Reply::EMPTY),
        Err(SystemdError::Unreachable(_)) => by_programs(runner, programs).await,
        Err(error) => Err(not_ended(error)),
    }
}

fn not_ended(why: impl Display) -> Error {
    Error::generic(format!("failed to shut down: {why}"))
}

/// The first that is there and does it.
async fn by_programs(runner: &dyn Runner, programs: Programs) -> Result<Reply, Error> {
    let mut why = String::new();
    for (path, arguments) in programs {
        let mut run = Run::new("", arguments.iter().copied());
        run.program = Program::At(path.into());
        match runner.run(run, &Cancellation::for_at_most(TIMEOUT)).await {
            Ok(finished) if finished.succeeded() => return Ok(Reply::EMPTY),
            Ok(finished) => why = format!("{path}: {:?} {}", finished.status, finished.stderr.text.trim()),
            Err(RunError::NotInstalled(_)) if !why.is_empty() => {}
            Err(error) => why = error.to_string(),
        }
    }
    Err(not_ended(why))
}

/// `guest-suspend-ram`, `-disk` and `-hybrid`.
pub async fn suspend(units: &UnitClient, request: &Request) -> Result<Reply, Error> {
    let (rest, word) = match request {
        Request::SuspendDisk => (Rest::Hibernate, Some("disk")),
        Request::SuspendHybrid => (Rest::HybridSleep, None),
        _ => (Rest::Suspend, Some("mem")),
    };
    match (units.rest(rest).await, word) {
        (Ok(()), _) => Ok(Reply::EMPTY),
        (Err(SystemdError::Unreachable(_)), Some(word)) => {
            change("suspend", move || by_the_kernel(word)).await
        }
        (Err(SystemdError::Unreachable(_)), None) => Err(Error::generic(UNSUPPORTED)),
        (Err(error), _) if error.to_string().contains("not supported") => Err(Error::generic(UNSUPPORTED)),
        (Err(error), _) => Err(Error::generic(format!("failed to suspend: {error}"))),
    }
}

/// Returns when the machine has woken up again.
fn by_the_kernel(word: &'static str) -> Result<Reply, Error> {
    let path = "/sys/power/state";
    let known = fs::read_to_string(path).unwrap_or_default();
    if !known.split_ascii_whitespace().any(|state| state == word) {
        return Err(Error::generic(UNSUPPORTED));
    }
    let done = fs::write(path, word);
    done.map(|()| Reply::EMPTY).map_err(|error| failed(format!("failed to write '{path}'"), &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_exec::{BoxFuture, Captured, Finished, Status};
    use std::sync::Mutex;

    /// What was started; programs that are installed, and the code that each returns.
    struct Init(Mutex<Vec<String>>, &'static [(&'static str, i32)]);

    impl Runner for Init {
        fn run<'a>(&'a self, run: Run, _: &'a Cancellation) -> BoxFuture<'a, Result<Finished, RunError>> {
            let Program::At(path) = run.program else { panic!("by its path") };
            let path = path.display().to_string();
            let words: Vec<_> = run.arguments.iter().map(|word| word.to_string_lossy()).collect();
            self.0.lock().unwrap().push(format!("{path} {}", words.join(" ")).trim().to_owned());
            let code = self.1.iter().find(|(name, _)| *name == path).map(|(_, code)| Status::Exited(*code));
            let finished = code.map(|status| Finished {
                status,
                stdout: Captured::default(),
                stderr: "no init\n".to_owned().into(),
            });
            Box::pin(async move { finished.ok_or(RunError::NotInstalled(path)) })
        }
    }

    async fn ended(installed: &'static [(&'static str, i32)], programs: Programs) -> (String, Vec<String>) {
        let init = Init(Mutex::default(), installed);
        let answer = by_programs(&init, programs).await;
        let told = answer.err().map(|error| error.desc).unwrap_or_default();
        (told, init.0.into_inner().unwrap())
    }

    #[tokio::test]
    async fn without_systemd_the_first_program_that_does_it_ends_the_machine() {
        let both: &[_] = &[("/sbin/poweroff", 0), ("/sbin/shutdown", 0)];
        assert_eq!(ended(both, POWER_OFF).await, (String::new(), vec!["/sbin/poweroff".to_owned()]));
        let (told, started) = ended(&[("/sbin/shutdown", 0)], REBOOT).await;
        assert_eq!((told.as_str(), started.len()), ("", 2));
        assert_eq!(started[1], "/sbin/shutdown -r +0 hypervisor initiated shutdown");
        let (told, started) = ended(&[("/sbin/halt", 1), ("/sbin/shutdown", 0)], HALT).await;
        assert_eq!((told.as_str(), started.len()), ("", 2));
        assert_eq!(started[1], "/sbin/shutdown -h -H +0 hypervisor initiated shutdown");
    }

    #[tokio::test]
    async fn a_machine_that_nothing_ends_is_told_why() {
        let (told, _) = ended(&[], POWER_OFF).await;
        assert_eq!(told, "failed to shut down: the program /sbin/poweroff is not installed");
        let (told, _) = ended(&[("/sbin/poweroff", 1)], POWER_OFF).await;
        assert_eq!(told, "failed to shut down: /sbin/poweroff: Exited(1) no init");
    }
}
