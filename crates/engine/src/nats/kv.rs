//! Keys and values.

use super::Nats;
use crate::entry::Entry;
use crate::error::Error;
use async_nats::jetstream::kv::{CreateErrorKind, Operation, Store, UpdateErrorKind};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The buckets that were looked up.
#[derive(Clone, Default)]
pub(super) struct Stores(Arc<Mutex<HashMap<String, Store>>>);

impl std::fmt::Debug for Stores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stores")
    }
}

impl Nats {
    async fn store(&self, bucket: &str) -> Result<Store, Error> {
        let known = self.stores.0.lock().unwrap_or_else(PoisonError::into_inner).get(bucket).cloned();
        if let Some(store) = known {
            return Ok(store);
        }
        let store = self.js.get_key_value(bucket).await;
        let store = store.map_err(|error| Error::caused(format!("use the bucket {bucket}"), &error))?;
        let mut stores = self.stores.0.lock().unwrap_or_else(PoisonError::into_inner);
        stores.insert(bucket.to_owned(), store.clone());
        Ok(store)
    }

    pub(crate) async fn get(&self, bucket: &str, key: &str) -> Result<Option<Entry>, Error> {
        let doing = || format!("read {bucket}/{key}");
        self.within(doing, async {
            let entry = self.store(bucket).await?.entry(key).await;
            let entry = entry.map_err(|error| Error::caused(doing(), &error))?;
            let there = entry.filter(|entry| entry.operation == Operation::Put);
            Ok(there.map(|entry| Entry {
                key: entry.key,
                value: Some(entry.value.to_vec()),
                revision: entry.revision,
                pending: 0,
            }))
        })
        .await
    }

    pub(crate) async fn create(&self, bucket: &str, key: &str, value: Vec<u8>) -> Result<u64, Error> {
        let doing = || format!("write {bucket}/{key}");
        self.check_length(doing, value.len())?;
        self.within(doing, async {
            let done = self.store(bucket).await?.create(key, value.into()).await;
            done.map_err(|error| match error.kind() {
                CreateErrorKind::AlreadyExists => Error::Conflict(format!("{bucket}/{key}")),
                _ => Error::caused(doing(), &error),
            })
        })
        .await
    }

    pub(crate) async fn update(
        &self,
        bucket: &str,
        key: &str,
        value: Vec<u8>,
        revision: u64,
    ) -> Result<u64, Error> {
        let doing = || format!("write {bucket}/{key}");
        self.check_length(doing, value.len())?;
        self.within(doing, async {
            let done = self.store(bucket).await?.update(key, value.into(), revision).await;
            done.map_err(|error| match error.kind() {
                UpdateErrorKind::WrongLastRevision => Error::Conflict(format!("{bucket}/{key}")),
                _ => Error::caused(doing(), &error),
            })
        })
        .await
    }

    pub(crate) async fn put(&self, bucket: &str, key: &str, value: Vec<u8>) -> Result<u64, Error> {
        let doing = || format!("write {bucket}/{key}");
        self.check_length(doing, value.len())?;
        self.within(doing, async {
            let done = self.store(bucket).await?.put(key, value.into()).await;
            done.map_err(|error| Error::caused(doing(), &error))
        })
        .await
    }

    pub(crate) async fn delete(&self, bucket: &str, key: &str) -> Result<(), Error> {
        let doing = || format!("delete {bucket}/{key}");
        self.within(doing, async {
            let done = self.store(bucket).await?.delete(key).await;
            done.map_err(|error| Error::caused(doing(), &error))
        })
        .await
    }
}
