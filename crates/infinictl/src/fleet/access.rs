//! What each user of the engine may do there, as a part of nats-server's configuration.
//!
//! Subjects are bound to the hub that they name: whoever has a hub's key can speak for that hub, and for no other. What none of
//! this can do is to start a job: orders count by their signatures.

use infiniservice_fleet::name::escape;
use infiniservice_fleet::subject::{
    self, COMMANDS, EVENTS, HUBS, JOBS, LEASE, LEASE_KEY, RESULTS, VMS, bucket_stream, bucket_subject,
};

/// How long a hub may take to answer a question, as the server allows it.
const ANSWER_WITHIN: &str = "1m";

/// Who a user is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A hub.
    Hub(String),
    /// A hub that may be the coordinator of all.
    Coordinator(String),
    /// Somebody who orders jobs and looks.
    Operator(String),
    /// Somebody, or a program, that only looks.
    Watcher(String),
    /// An exporter: it hears figures, and who is there.
    Exporter(String),
    /// The server of a site, with hubs of its own.
    Leaf,
}

/// What it may publish and read, or what it may not publish.
#[derive(Default)]
struct Access {
    publish: Vec<String>,
    never_publish: Vec<String>,
    read: Vec<String>,
    answers: bool,
}

impl Role {
    /// The name under which its answers come.
    fn access(&self) -> Access {
        match self {
            Self::Hub(hub) => of_hub(hub),
            Self::Coordinator(hub) => of_coordinator(hub),
            Self::Operator(name) => of_operator(name),
            Self::Watcher(name) => of_watcher(name),
            Self::Exporter(name) => of_exporter(name),
            Self::Leaf => of_leaf(),
        }
    }

    fn title(&self) -> String {
        match self {
            Self::Hub(hub) => format!("the hub {hub}"),
            Self::Coordinator(hub) => format!("the hub {hub}, which may be coordinator"),
            Self::Operator(name) => format!("the operator {name}"),
            Self::Watcher(name) => format!("{name}, who only looks"),
            Self::Exporter(name) => format!("the exporter {name}"),
            Self::Leaf => "the server of a site (leaf.conf)".to_owned(),
        }
    }
}

/// The user's part of `users.conf`.
pub(crate) fn user(role: &Role, public: &str) -> String {
    let access = role.access();
    let kind = if *role == Role::Leaf { "LEAFNODE" } else { "STANDARD" };
    let mut parts = Vec::new();
    for (direction, list, subjects) in [
        ("publish", "allow", &access.publish),
        ("publish", "deny", &access.never_publish),
        ("subscribe", "allow", &access.read),
    ] {
        if !subjects.is_empty() {
            let all: Vec<_> = subjects.iter().map(|subject| format!("            \"{subject}\"\n")).collect();
            parts.push(format!("        {direction}: {{ {list}: [\n{}        ] }}\n", all.concat()));
        }
    }
    if access.answers {
        parts.push(format!("        allow_responses: {{ max: 1, expires: \"{ANSWER_WITHIN}\" }}\n"));
    }
    format!(
        "# {}\n{{\n    nkey: {public}\n    allowed_connection_types: [\"{kind}\"]\n    permissions: {{\n{}    }}\n}}\n",
        role.title(),
        parts.concat()
    )
}

fn of_hub(hub: &str) -> Access {
    let (name, consumer) = (escape(hub), subject::consumer(hub));
    let commands = subject::command(hub);
    let mut publish = vec![
        format!("infini.v1.res.*.{name}.*"),
        format!("infini.v1.evt.{name}.>"),
        format!("infini.v1.m.{name}.*"),
        bucket_subject(HUBS, &subject::hub_key(hub)),
        bucket_subject(VMS, &format!("{name}.*")),
        // Its own commands, by a consumer that can be for no other subject.
        format!("$JS.API.CONSUMER.INFO.{COMMANDS}.{consumer}"),
        format!("$JS.API.CONSUMER.CREATE.{COMMANDS}.{consumer}.{commands}"),
        format!("$JS.API.CONSUMER.MSG.NEXT.{COMMANDS}.{consumer}"),
        format!("$JS.ACK.{COMMANDS}.{consumer}.>"),
    ];
    let streams = [COMMANDS, RESULTS, EVENTS].map(str::to_owned);
    let buckets = [HUBS, VMS, JOBS, LEASE].map(bucket_stream);
    publish.extend(streams.iter().chain(&buckets).map(|stream| format!("$JS.API.STREAM.INFO.{stream}")));
    publish.extend(own_keys(hub));
    let read = vec![subject::ask(hub), subject::whole(hub), format!("{}.>", subject::hub_inbox(hub))];
    Access { publish, read, answers: true, ..Access::default() }
}

/// Reading back what it wrote, key by key or all of it.
fn own_keys(hub: &str) -> [String; 6] {
    let of = |bucket: &str, keys: &str| {
        format!("$JS.API.DIRECT.GET.{}.{}", bucket_stream(bucket), bucket_subject(bucket, keys))
    };
    let (machines, vms) = (format!("{}.*", escape(hub)), bucket_stream(VMS));
    [
        of(HUBS, &subject::hub_key(hub)),
        of(VMS, &machines),
        // The client asks without a name and so without its keys in the subject: a hub may know who else is there.
        format!("$JS.API.CONSUMER.CREATE.{vms}"),
        format!("$JS.API.CONSUMER.CREATE.{vms}.*.{}", bucket_subject(VMS, &machines)),
        format!("$JS.API.CONSUMER.MSG.NEXT.{vms}.*"),
        format!("$JS.API.CONSUMER.DELETE.{vms}.*"),
    ]
}

fn of_coordinator(hub: &str) -> Access {
    let mut access = of_hub(hub);
    access.publish.extend([
        "infini.v1.cmd.*".to_owned(),
        "infini.v1.rpc.*".to_owned(),
        // Of machines that no hub has, and of hubs that are gone.
        "infini.v1.res.*.*.*".to_owned(),
        bucket_subject(JOBS, "*.plan"),
        bucket_subject(JOBS, "*.part.*"),
        bucket_subject(JOBS, "*.progress"),
        bucket_subject(LEASE, LEASE_KEY),
        "$JS.API.STREAM.CREATE.*".to_owned(),
    ]);
    access.publish.extend(reading(&[RESULTS.to_owned()]));
    access.publish.extend(reading(&[HUBS, VMS, JOBS, LEASE].map(bucket_stream)));
    access
}

fn of_operator(name: &str) -> Access {
    let mut access = of_watcher(name);
    access.publish.extend([bucket_subject(JOBS, "*.order"), bucket_subject(JOBS, "*.control")]);
    access
}

fn of_watcher(name: &str) -> Access {
    let mut publish = reading(&[RESULTS, EVENTS].map(str::to_owned));
    publish.extend(reading(&[HUBS, VMS, JOBS].map(bucket_stream)));
    let read = vec![format!("{}.>", subject::operator_inbox(name)), subject::ALL_METRICS.to_owned()];
    Access { publish, read, ..Access::default() }
}

/// It reads less than a watcher, and what it says is only that it wants whole lines.
fn of_exporter(name: &str) -> Access {
    let mut publish = reading(&[HUBS, VMS].map(bucket_stream));
    publish.push("infini.v1.whole.*".to_owned());
    let read = vec![format!("{}.>", subject::exporter_inbox(name)), subject::ALL_METRICS.to_owned()];
    Access { publish, read, ..Access::default() }
}

/// The server passes on only subjects that are allowed as a whole, so a list of what is allowed would cut the site off from the
/// streams. What is denied holds for each message.
fn of_leaf() -> Access {
    let api = ["CREATE", "UPDATE", "DELETE", "PURGE", "MSG.DELETE", "SNAPSHOT", "RESTORE"];
    let mut never: Vec<_> = api.iter().map(|verb| format!("$JS.API.STREAM.{verb}.>")).collect();
    never.extend(["$JS.API.CONSUMER.DELETE.>".to_owned(), "infini.v1.cmd.>".to_owned()]);
    never.extend([JOBS, LEASE].map(|bucket| bucket_subject(bucket, ">")));
    Access { never_publish: never, ..Access::default() }
}

/// All requests that reading a stream takes.
fn reading(streams: &[String]) -> Vec<String> {
    let requests = |stream: &String| {
        [
            format!("$JS.API.STREAM.INFO.{stream}"),
            format!("$JS.API.STREAM.MSG.GET.{stream}"),
            format!("$JS.API.DIRECT.GET.{stream}"),
            format!("$JS.API.DIRECT.GET.{stream}.>"),
            format!("$JS.API.CONSUMER.CREATE.{stream}"),
            format!("$JS.API.CONSUMER.CREATE.{stream}.>"),
            format!("$JS.API.CONSUMER.INFO.{stream}.*"),
            format!("$JS.API.CONSUMER.DELETE.{stream}.*"),
            format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.*"),
            format!("$JS.FC.{stream}.>"),
        ]
    };
    streams.iter().flat_map(requests).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_fleet::subject::JobKey;

    /// As the server compares a subject with a pattern.
    fn is_like(subject: &str, pattern: &str) -> bool {
        let (mut subject, mut pattern) = (subject.split('.'), pattern.split('.'));
        loop {
            match (pattern.next(), subject.next()) {
                (Some(">"), Some(_)) | (None, None) => return true,
                (Some(part), Some(found)) if part == "*" || part == found => {}
                _ => return false,
            }
        }
    }

    fn may(role: &Role, subject: &str) -> bool {
        role.access().publish.iter().any(|pattern| is_like(subject, pattern))
    }

    fn hub() -> Role {
        Role::Hub("host_1.example".to_owned())
    }

    #[test]
    fn a_hub_writes_its_own_parts_and_nobody_elses() {
        let (own, other) = ("host_1.example", "host-2");
        for (subject, of) in [
            (subject::result("j", own, "a.b"), own),
            (subject::result("j", other, "a"), other),
            (subject::event(own, "a", "lost"), own),
            (subject::event(other, "a", "lost"), other),
            (subject::metrics(own, "a"), own),
            (subject::metrics(other, "a"), other),
            (bucket_subject(HUBS, &subject::hub_key(own)), own),
            (bucket_subject(HUBS, &subject::hub_key(other)), other),
            (bucket_subject(VMS, &subject::vm_key(own, "a")), own),
            (bucket_subject(VMS, &subject::vm_key(other, "a")), other),
        ] {
            assert_eq!(may(&hub(), &subject), of == own, "{subject}");
        }
    }

    #[test]
    fn a_hub_cannot_order_nor_command_nor_take_anothers_commands() {
        for subject in [
            bucket_subject(JOBS, &subject::job_key("j", &JobKey::Order)),
            bucket_subject(JOBS, &subject::job_key("j", &JobKey::Progress)),
            bucket_subject(LEASE, LEASE_KEY),
            subject::command("host-2"),
            subject::ask("host-2"),
            format!("$JS.API.CONSUMER.MSG.NEXT.{COMMANDS}.{}", subject::consumer("host-2")),
            format!(
                "$JS.API.CONSUMER.CREATE.{COMMANDS}.{}.infini.v1.cmd.*",
                subject::consumer("host_1.example")
            ),
            format!("$JS.API.STREAM.DELETE.{RESULTS}"),
        ] {
            assert!(!may(&hub(), &subject), "{subject}");
        }
        let read = hub().access().read;
        assert!(!read.iter().any(|pattern| is_like("_INBOX.host-2.a.b", pattern)), "{read:?}");
    }

    #[test]
    fn a_coordinator_runs_jobs_and_does_not_order_any() {
        let role = Role::Coordinator("host-1".to_owned());
        for what in [JobKey::Plan, JobKey::Part("host-2".into()), JobKey::Progress] {
            assert!(may(&role, &bucket_subject(JOBS, &subject::job_key("j", &what))), "{what:?}");
        }
        assert!(may(&role, &subject::command("host-2")) && may(&role, &subject::ask("host-2")));
        for what in [JobKey::Order, JobKey::Control] {
            assert!(!may(&role, &bucket_subject(JOBS, &subject::job_key("j", &what))), "{what:?}");
        }
        assert!(!may(&role, &bucket_subject(HUBS, "host-2")));
    }

    #[test]
    fn an_operator_orders_and_a_watcher_does_not_and_neither_speaks_for_a_hub() {
        let (operator, watcher) = (Role::Operator("alice".into()), Role::Watcher("wall".into()));
        let order = bucket_subject(JOBS, &subject::job_key("j", &JobKey::Order));
        assert!(may(&operator, &order) && !may(&watcher, &order));
        for role in [operator, watcher] {
            for subject in [subject::result("j", "h", "v"), subject::command("h"), bucket_subject(HUBS, "h")]
            {
                assert!(!may(&role, &subject), "{role:?} {subject}");
            }
        }
    }

    #[test]
    fn an_exporter_hears_figures_and_who_is_there_and_can_do_nothing() {
        let role = Role::Exporter("metrics-1".to_owned());
        let read = role.access().read;
        assert!(read.iter().any(|pattern| is_like(&subject::metrics("h", "v"), pattern)));
        assert!(may(&role, &subject::whole("h")));
        for bucket in [HUBS, VMS] {
            assert!(may(&role, &format!("$JS.API.CONSUMER.CREATE.{}", bucket_stream(bucket))), "{bucket}");
        }
        for subject in [
            subject::command("h"),
            subject::ask("h"),
            subject::metrics("h", "v"),
            subject::result("j", "h", "v"),
            bucket_subject(HUBS, "h"),
            bucket_subject(VMS, "h.v"),
            bucket_subject(JOBS, &subject::job_key("j", &JobKey::Order)),
            bucket_subject(LEASE, LEASE_KEY),
            format!("$JS.API.CONSUMER.CREATE.{}", bucket_stream(JOBS)),
            format!("$JS.API.CONSUMER.CREATE.{RESULTS}"),
            format!("$JS.API.STREAM.CREATE.{}", bucket_stream(VMS)),
        ] {
            assert!(!may(&role, &subject), "{subject}");
        }
    }

    #[test]
    fn the_part_of_a_hub_is_what_the_server_reads() {
        let text = user(&Role::Hub("host-1".into()), "UABC");
        assert!(text.starts_with(
            "# the hub host-1\n{\n    nkey: UABC\n    allowed_connection_types: [\"STANDARD\"]\n"
        ));
        assert!(
            text.contains("\"infini.v1.res.*.host-1.*\"\n") && text.contains("allow_responses:"),
            "{text}"
        );
        let leaf = user(&Role::Leaf, "UABC");
        assert!(
            leaf.contains("[\"LEAFNODE\"]") && leaf.contains("deny") && !leaf.contains("allow:"),
            "{leaf}"
        );
    }
}
