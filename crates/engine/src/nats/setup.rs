//! Streams and buckets: made where they are missing. One that is there is an operator's, who may have made it larger.

use super::Nats;
use crate::error::Error;
use crate::layout::{Bucket, Discard, Layout, Retention, Stream};
use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use infiniservice_fleet::subject::{bucket_stream, bucket_subject};

/// A consumer for each hub, and one for each reader. From 2.15 on the server allows 1,000 where a stream does not say.
const MAX_CONSUMERS: i32 = 100_000;

impl Nats {
    /// Makes sure of all streams and buckets.
    pub(crate) async fn set_up(&self, layout: &Layout) -> Result<(), Error> {
        for stream in &layout.streams {
            self.ensure(of_stream(stream, layout.replicas)).await?;
        }
        for bucket in &layout.buckets {
            self.ensure(of_bucket(bucket, layout.replicas)).await?;
        }
        Ok(())
    }

    async fn ensure(&self, config: Config) -> Result<(), Error> {
        let doing = || format!("make the stream {}", config.name);
        self.within(doing, async {
            if let Some(there) = self.there(&config.name).await? {
                return check(&config, &there);
            }
            match self.js.create_stream(config.clone()).await {
                Ok(_) => Ok(()),
                // Another hub was faster.
                Err(error) if is_there(&error.kind()) => {
                    self.there(&config.name).await?.map_or(Ok(()), |there| check(&config, &there))
                }
                Err(error) => Err(Error::caused(doing(), &error)),
            }
        })
        .await
    }

    async fn there(&self, name: &str) -> Result<Option<Config>, Error> {
        match self.js.get_stream(name).await {
            Ok(stream) => Ok(Some(stream.cached_info().config.clone())),
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(told) if told.code() == 404 => Ok(None),
                _ => Err(Error::caused(format!("look for the stream {name}"), &error)),
            },
        }
    }
}

fn is_there(kind: &CreateStreamErrorKind) -> bool {
    // STREAM_NAME_IN_USE
    matches!(kind, CreateStreamErrorKind::JetStream(error) if error.error_code().0 == 10058)
}

/// What must hold, or messages would go astray.
fn check(wanted: &Config, there: &Config) -> Result<(), Error> {
    let unfit = |what: String| Err(Error::Unfit { name: wanted.name.clone(), what });
    if there.retention != wanted.retention {
        return unfit(format!("keeps by {:?} and not by {:?}", there.retention, wanted.retention));
    }
    match wanted.subjects.iter().find(|subject| !there.subjects.contains(subject)) {
        Some(subject) => unfit(format!("takes {:?} and not {subject}", there.subjects)),
        None => Ok(()),
    }
}

fn of_stream(stream: &Stream, replicas: usize) -> Config {
    Config {
        name: stream.name.clone(),
        subjects: vec![stream.subject.clone()],
        retention: match stream.retention {
            Retention::Limits => RetentionPolicy::Limits,
            Retention::WorkQueue => RetentionPolicy::WorkQueue,
        },
        discard: match stream.discard {
            Discard::Old => DiscardPolicy::Old,
            Discard::New => DiscardPolicy::New,
        },
        max_age: stream.max_age,
        max_bytes: bytes(stream.max_bytes),
        duplicate_window: stream.duplicate_window,
        storage: StorageType::File,
        max_consumers: MAX_CONSUMERS,
        num_replicas: replicas.max(1),
        allow_direct: true,
        ..Config::default()
    }
}

/// A bucket is a stream of a certain kind: one that every client of NATS takes for a key-value store.
fn of_bucket(bucket: &Bucket, replicas: usize) -> Config {
    Config {
        name: bucket_stream(&bucket.name),
        subjects: vec![bucket_subject(&bucket.name, ">")],
        discard: DiscardPolicy::New,
        max_age: bucket.max_age,
        max_bytes: bytes(bucket.max_bytes),
        max_messages_per_subject: 1,
        storage: StorageType::File,
        max_consumers: MAX_CONSUMERS,
        num_replicas: replicas.max(1),
        allow_rollup: true,
        deny_delete: true,
        allow_direct: true,
        ..Config::default()
    }
}

fn bytes(most: u64) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}
