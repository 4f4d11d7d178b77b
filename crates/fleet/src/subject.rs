//! What is called how on the engine: subjects, streams, consumers, buckets and their keys, and the ids of messages.
//!
//! In subjects and keys that a hub writes, the hub comes before the machine, so that the engine's permissions can bind each
//! hub to its own part.

use crate::name::{escape, unescape};

/// Commands to hubs: a work queue, a durable consumer a hub.
pub const COMMANDS: &str = "INFINI_CMD";
/// Results of machines.
pub const RESULTS: &str = "INFINI_RES";
/// Events of machines.
pub const EVENTS: &str = "INFINI_EVT";
/// The bucket of hubs, whose entries vanish when they are not written anew.
pub const HUBS: &str = "INFINI_HUBS";
/// The bucket of machines.
pub const VMS: &str = "INFINI_VMS";
/// The bucket of jobs.
pub const JOBS: &str = "INFINI_JOBS";
/// The bucket of the coordinator's lease.
pub const LEASE: &str = "INFINI_LEASE";
/// The lease's key in it.
pub const LEASE_KEY: &str = "coordinator";
/// The subjects of each stream.
pub const ALL_COMMANDS: &str = "infini.v1.cmd.>";
/// See [`ALL_COMMANDS`].
pub const ALL_RESULTS: &str = "infini.v1.res.>";
/// See [`ALL_COMMANDS`].
pub const ALL_EVENTS: &str = "infini.v1.evt.>";
/// All live metrics.
pub const ALL_METRICS: &str = "infini.v1.m.>";
/// In the place of a hub: of machines that none has. No hub is called so.
pub const NOWHERE: &str = "-";

/// The stream in which NATS keeps a bucket: so every client names it.
pub fn bucket_stream(bucket: &str) -> String {
    format!("KV_{bucket}")
}

/// The subject of a key of a bucket, or of keys (`*` is any part of one, `>` any rest).
pub fn bucket_subject(bucket: &str, keys: &str) -> String {
    format!("$KV.{bucket}.{keys}")
}

/// Commands to a hub.
pub fn command(hub: &str) -> String {
    format!("infini.v1.cmd.{}", escape(hub))
}

/// The durable consumer of a hub's commands.
pub fn consumer(hub: &str) -> String {
    format!("hub-{}", escape(hub))
}

/// A machine's result.
pub fn result(job: &str, hub: &str, vm: &str) -> String {
    format!("infini.v1.res.{}.{}.{}", escape(job), escape(hub), escape(vm))
}

/// All results of a job.
pub fn results_of(job: &str) -> String {
    format!("infini.v1.res.{}.>", escape(job))
}

/// Job, hub and machine of a result's subject.
pub fn parse_result(subject: &str) -> Option<(String, String, String)> {
    let mut parts = subject.strip_prefix("infini.v1.res.")?.split('.').map(unescape);
    let found = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(found)
}

/// An event of a machine.
pub fn event(hub: &str, vm: &str, kind: &str) -> String {
    format!("infini.v1.evt.{}.{}.{}", escape(hub), escape(vm), escape(kind))
}

/// A machine's live metrics.
pub fn metrics(hub: &str, vm: &str) -> String {
    format!("infini.v1.m.{}.{}", escape(hub), escape(vm))
}

/// Hub and machine of the subject of live metrics.
pub fn parse_metrics(subject: &str) -> Option<(String, String)> {
    parse_vm_key(subject.strip_prefix("infini.v1.m.")?)
}

/// Asks a hub for whole lines, by whoever begins to listen to its live metrics.
pub fn whole(hub: &str) -> String {
    format!("infini.v1.whole.{}", escape(hub))
}

/// Questions to a hub that are answered at once.
pub fn ask(hub: &str) -> String {
    format!("infini.v1.rpc.{}", escape(hub))
}

/// A hub's key in [`HUBS`].
pub fn hub_key(hub: &str) -> String {
    escape(hub)
}

/// A machine's key in [`VMS`].
pub fn vm_key(hub: &str, vm: &str) -> String {
    format!("{}.{}", escape(hub), escape(vm))
}

/// Hub and machine of a key in [`VMS`].
pub fn parse_vm_key(key: &str) -> Option<(String, String)> {
    let (hub, vm) = key.split_once('.')?;
    Some((unescape(hub)?, unescape(vm)?))
}

/// What a key of [`JOBS`] holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobKey {
    /// The signed order; it is made once.
    Order,
    /// The newest signed control.
    Control,
    /// Which hubs take part: made once, after the parts.
    Plan,
    /// What a hub resolved: made once.
    Part(String),
    /// How far it is.
    Progress,
}

/// A key in [`JOBS`].
pub fn job_key(job: &str, what: &JobKey) -> String {
    let job = escape(job);
    match what {
        JobKey::Order => format!("{job}.order"),
        JobKey::Control => format!("{job}.control"),
        JobKey::Plan => format!("{job}.plan"),
        JobKey::Part(hub) => format!("{job}.part.{}", escape(hub)),
        JobKey::Progress => format!("{job}.progress"),
    }
}

/// Which job a key of [`JOBS`] belongs to, and what it holds.
pub fn parse_job_key(key: &str) -> Option<(String, JobKey)> {
    let (job, what) = key.split_once('.')?;
    let what = match what {
        "order" => JobKey::Order,
        "control" => JobKey::Control,
        "plan" => JobKey::Plan,
        "progress" => JobKey::Progress,
        other => JobKey::Part(unescape(other.strip_prefix("part.")?)?),
    };
    Some((unescape(job)?, what))
}

/// A result's id, by which the engine stores it once. The hub is in it: another one must not take the place of its results.
pub fn result_id(job: &str, hub: &str, vm: &str) -> String {
    format!("{}/{}/{}", escape(job), escape(hub), escape(vm))
}

/// Below which subject a hub gets its answers: nobody else is allowed to read there.
pub fn hub_inbox(hub: &str) -> String {
    format!("_INBOX.{}", escape(hub))
}

/// Below which subject an exporter gets answers.
pub fn exporter_inbox(exporter: &str) -> String {
    format!("_INBOX_ex.{}", escape(exporter))
}

/// Below which subject an operator gets answers.
pub fn operator_inbox(operator: &str) -> String {
    format!("_INBOX_op.{}", escape(operator))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_called_how_comes_back_from_its_subject() {
        let (job, hub, vm) = ("j_1", "host.7", "web *>.");
        let subject = result(job, hub, vm);
        assert_eq!(subject, "infini.v1.res.j_5F1.host_2E7.web_20_2A_3E_2E");
        let parsed = parse_result(&subject).unwrap();
        assert_eq!(parsed, (job.to_owned(), hub.to_owned(), vm.to_owned()));
        assert_eq!(parse_vm_key(&vm_key(hub, vm)), Some((hub.to_owned(), vm.to_owned())));
        assert_eq!(parse_metrics(&metrics(hub, vm)), Some((hub.to_owned(), vm.to_owned())));
        for what in
            [JobKey::Order, JobKey::Control, JobKey::Plan, JobKey::Progress, JobKey::Part(hub.to_owned())]
        {
            assert_eq!(parse_job_key(&job_key(job, &what)), Some((job.to_owned(), what)));
        }
    }

    #[test]
    fn what_is_not_ours_is_none() {
        for subject in ["infini.v1.res.a.b", "infini.v1.res.a.b.c.d", "infini.v1.res.a..c", "other.a.b.c"] {
            assert_eq!(parse_result(subject), None, "{subject}");
        }
        for key in ["order", "a.other", "a.part.", ".order", "a.part.b.c"] {
            assert_eq!(parse_job_key(key), None, "{key}");
        }
    }
}
