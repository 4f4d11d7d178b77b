//! The system as a whole, its clock, its users and their passwords.

use super::told;
use infiniservice_exec::{Cancellation, Request as Run, Runner};
use infiniservice_platform::os_detection::OsInfo;
use infiniservice_platform::win32::{
    clock_unsafe, codes, devices_unsafe, interfaces_unsafe, native_unsafe, routes_unsafe, sessions_unsafe,
    users_unsafe,
};
use infiniservice_qga::reply::{HostName, Vcpu};
use infiniservice_qga::{Error, Reply, Request, windows};
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How long the time service may take to be asked.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The answer to a command that reads.
pub fn answer(request: &Request) -> Result<Reply, Error> {
    match request {
        Request::GetTime => Reply::time(SystemTime::now()),
        Request::GetOsInfo => {
            let os = OsInfo::detect(Path::new("/"));
            let info = windows::os_info(&os.release.name, &os.kernel_version, &os.architecture);
            Ok(Reply::OsInfo(info))
        }
        Request::GetHostName => {
            let name = native_unsafe::hostname().map_err(|error| told("failed to get hostname", error))?;
            Ok(Reply::HostName(HostName { host_name: name }))
        }
        Request::GetTimezone => {
            let zone = clock_unsafe::zone().map_err(|error| told("failed to get the time zone", error))?;
            Ok(Reply::Timezone(windows::timezone(zone.name, zone.bias_minutes)))
        }
        Request::GetUsers => {
            let all = sessions_unsafe::sessions().map_err(|error| told("failed to list sessions", error))?;
            let all = all.into_iter().map(|one| (one.user, one.domain, one.since));
            Ok(Reply::Users(windows::users(all)))
        }
        Request::GetVcpus => Ok(Reply::Vcpus((0..native_unsafe::processor_count()).map(vcpu).collect())),
        Request::GetDevices => Ok(devices()),
        _ => Err(Error::generic("the agent does not know how to do this")),
    }
}

fn vcpu(number: u32) -> Vcpu {
    Vcpu { logical_id: number.into(), online: true, can_offline: Some(false) }
}

fn devices() -> Reply {
    let of = |one: infiniservice_platform::win32::device::Device| {
        windows::device(&one.hardware_ids, &one.name, one.driver_version.as_deref(), one.driver_date)
    };
    Reply::Devices(devices_unsafe::devices().into_iter().filter_map(of).collect())
}

/// `guest-network-get-route`.
pub fn routes() -> Result<Reply, Error> {
    let failed = |error| told("failed to list routes", error);
    let names = interfaces_unsafe::interfaces().map_err(failed)?;
    let names: HashMap<u32, String> = names.into_iter().map(|one| (one.index, one.alias)).collect();
    let all = routes_unsafe::routes().map_err(failed)?;
    let route = |one: &routes_unsafe::Route| {
        let name = names.get(&one.link).cloned().unwrap_or_else(|| one.link.to_string());
        windows::route(name, one.network, one.prefix, one.next_hop, one.metric)
    };
    Ok(Reply::Routes(all.iter().map(route).collect()))
}

/// `guest-set-time` with a time, in nanoseconds since 1970. The system sets the hardware's clock with its own.
pub fn set_time(time: i64) -> Result<Reply, Error> {
    let set = clock_unsafe::set(windows::file_time(time)?);
    set.map(|()| Reply::EMPTY).map_err(|error| told("Failed to set time to guest", error))
}

/// The same without one: the system's own time service is to ask. The hardware's clock is the system's business.
pub async fn ask_for_time(runner: &dyn Runner) -> Result<Reply, Error> {
    let run = Run::new("w32tm", ["/resync", "/nowait"]);
    match runner.run(run, &Cancellation::for_at_most(TIMEOUT)).await {
        Ok(finished) if finished.succeeded() => Ok(Reply::EMPTY),
        Ok(finished) => {
            let said = finished.stdout.text.lines().last().unwrap_or_default().to_owned();
            Err(Error::generic(format!("failed to synchronise the clock: {:?} {said}", finished.status)))
        }
        Err(error) => Err(Error::generic(format!("failed to synchronise the clock: {error}"))),
    }
}

/// `guest-set-user-password`.
pub fn set_password(username: &str, password: Vec<u8>, is_crypted: bool) -> Result<Reply, Error> {
    if is_crypted {
        return Err(Error::generic("'crypted' must be off on this host"));
    }
    let password =
        String::from_utf8(password).map_err(|_| Error::generic("the password is not valid UTF-8"))?;
    let set = users_unsafe::set_password(username, &password);
    let why = |code| Error::generic(format!("failed to set the password: {}", codes::explain(code)));
    set.map(|()| Reply::EMPTY).map_err(why)
}
