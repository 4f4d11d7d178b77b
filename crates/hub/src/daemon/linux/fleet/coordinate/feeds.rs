//! What a coordinator hears: hubs, machines, orders, controls, progress, and the results of its jobs.

use super::PAUSE;
use infiniservice_engine::{Engine, Entry, Error, Reader, Watch};
use infiniservice_fleet::{Reply, TargetResult, subject};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// News that wait for the coordinator; who brings more waits.
const MAX_WAITING: usize = 4096;

/// What is heard.
#[derive(Debug)]
pub(super) enum News {
    /// Of a hub.
    Hub(Entry),
    /// Of a machine.
    Vm(Entry),
    /// An order or a control.
    Job(Entry),
    /// A result.
    Result(Box<TargetResult>),
    /// A hub's answer, to the question about a job.
    Answer(String, Reply),
}

/// Tasks that end with this.
#[derive(Default)]
pub(super) struct Tasks(Vec<JoinHandle<()>>);

impl Tasks {
    pub(super) fn push(&mut self, task: JoinHandle<()>) {
        self.0.retain(|task| !task.is_finished());
        self.0.push(task);
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// The way from those who hear to the coordinator.
pub(super) fn channel() -> (mpsc::Sender<News>, mpsc::Receiver<News>) {
    mpsc::channel(MAX_WAITING)
}

/// Reads what a bucket has now, and follows it.
pub(super) async fn follow(
    engine: &Engine,
    (bucket, keys): (&str, &str),
    news: &mpsc::Sender<News>,
    kind: fn(Entry) -> News,
) -> Result<(Vec<Entry>, JoinHandle<()>), Error> {
    let mut watch = engine.watch(bucket, keys).await?;
    let there = watch.all_there().await?;
    let news = news.clone();
    Ok((there, tokio::spawn(async move { pass_on(&mut watch, &news, kind).await })))
}

async fn pass_on(watch: &mut Watch, news: &mpsc::Sender<News>, kind: fn(Entry) -> News) {
    loop {
        match watch.next().await {
            Ok(entry) => {
                if news.send(kind(entry)).await.is_err() {
                    return;
                }
            }
            // It goes on where it was once the connection is back.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Reads the results of a job that there are, and follows them.
pub(super) async fn results(
    engine: &Engine,
    job: &str,
    news: &mpsc::Sender<News>,
) -> Result<(Vec<TargetResult>, JoinHandle<()>), Error> {
    let mut reader = engine.read(subject::RESULTS, &subject::results_of(job)).await?;
    let there = reader.all_there().await?;
    let there = there.iter().filter_map(|stored| read(&stored.subject, &stored.payload)).collect();
    let news = news.clone();
    Ok((there, tokio::spawn(async move { pass_results_on(&mut reader, &news).await })))
}

async fn pass_results_on(reader: &mut Reader, news: &mpsc::Sender<News>) {
    loop {
        match reader.next().await {
            Ok(stored) => {
                let Some(result) = read(&stored.subject, &stored.payload) else { continue };
                if news.send(News::Result(Box::new(result))).await.is_err() {
                    return;
                }
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// A result, where it says of itself what its subject says: the engine lets each hub write below its own name only.
fn read(subject: &str, payload: &[u8]) -> Option<TargetResult> {
    let result = TargetResult::read(payload).map_err(|wrong| log::warn!("fleet: {subject}: {wrong}")).ok()?;
    if result.subject() == subject {
        return Some(result);
    }
    log::warn!("fleet: {subject} has the result of {:.80?} on {:.80?}", result.vm, result.hub);
    None
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_result_of_another_hub_than_its_subjects_is_none() {
        let text = r#"{"job":"j","hub":"h1","vm":"web","outcome":"answered","ended_at_ms":1,"wave":0}"#;
        assert!(read("infini.v1.res.j.h1.web", text.as_bytes()).is_some());
        assert!(read("infini.v1.res.j.h2.web", text.as_bytes()).is_none());
        assert!(read("infini.v1.res.j.h1.web", b"{}").is_none());
    }
}
