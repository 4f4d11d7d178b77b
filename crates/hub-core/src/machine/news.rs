//! What two samples of a machine have between them that people want to know.

use crate::event::Kind;
use crate::figures::fullest;
use crate::sample::Sample;

/// From this share on a file system is nearly full; it is told again once it was below the second.
const FILLING: (f32, f32) = (0.90, 0.85);

/// What is new in a sample. Of a machine's first sample nothing is: what it tells may be old.
pub(super) fn between(before: &Sample, after: &Sample, filling: &mut bool) -> Vec<(Kind, String)> {
    let mut news = Vec::new();
    if after.system.uptime_seconds < before.system.uptime_seconds {
        let uptime = after.system.uptime_seconds;
        news.push((Kind::Rebooted, format!("the machine has booted; it has been up for {uptime} s")));
    }
    if after.agent_version != before.agent_version {
        let (old, new) = (&before.agent_version, &after.agent_version);
        news.push((Kind::AgentUpgraded, format!("the agent is version {new} now, it was {old}")));
    }
    let failed = after.services.failed.iter().filter(|name| !before.services.failed.contains(name));
    news.extend(failed.map(|name| (Kind::ServiceFailed, format!("the service {name} has failed"))));
    news.extend(disk(after, filling));
    news
}

fn disk(sample: &Sample, filling: &mut bool) -> Option<(Kind, String)> {
    let (disk, used) = fullest(&sample.system)?;
    let was = *filling;
    *filling = used >= if was { FILLING.1 } else { FILLING.0 };
    let percent = (used * 100.0).floor();
    (*filling && !was).then(|| (Kind::DiskFilling, format!("{} is {percent} % full", disk.mount_point)))
}
