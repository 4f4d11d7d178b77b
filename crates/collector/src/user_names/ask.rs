//! Asks in the background for the names that are wanted.

use super::{UserNames, getent, userdb};
use infiniservice_exec::{Control, Request, RunError, Runner};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// For all ids of one round. A directory service may have to ask another machine.
const GETENT_PATIENCE: Duration = Duration::from_secs(20);
/// 256 lines of passwd(5), with room.
const MAX_OUTPUT_BYTES: usize = 256 * 1024;

/// Answers what `names` wants for as long as the runtime lives. It wakes for nothing else.
pub fn spawn(names: UserNames, runner: Arc<dyn Runner>) {
    tokio::spawn(async move {
        loop {
            let wanted = names.wanted().await;
            round(&names, wanted, Path::new(userdb::DIRECTORY), &*runner).await;
        }
    });
}

async fn round(names: &UserNames, wanted: Vec<u32>, userdb: &Path, runner: &dyn Runner) {
    let mut services = userdb::services(userdb);
    let mut unknown = Vec::new();
    for id in wanted {
        match userdb::name(&mut services, id).await {
            Some(name) => names.learn(id, Some(name)),
            None => unknown.push(id),
        }
    }
    if unknown.is_empty() {
        return;
    }
    let mut found = by_getent(&unknown, runner).await.unwrap_or_else(|error| {
        log::debug!("names of users: {error}");
        BTreeMap::new()
    });
    for id in unknown {
        names.learn(id, found.remove(&id));
    }
}

/// Of several ids it prints those that it knows, and ends with 2 where there are others.
async fn by_getent(ids: &[u32], runner: &dyn Runner) -> Result<BTreeMap<u32, String>, RunError> {
    let ids = ids.iter().map(u32::to_string);
    let request = Request::new("getent", std::iter::once("passwd".to_owned()).chain(ids));
    let control = Control::for_at_most(GETENT_PATIENCE);
    let finished = runner.run(request.max_output(MAX_OUTPUT_BYTES), &control).await?;
    Ok(getent::parse(&finished.stdout.text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_exec::{BoxFuture, Finished, Program, Status, runner_beside_other_children};
    use std::sync::Mutex;
    use std::time::Instant;

    /// Prints what it was made with, and remembers how it was called.
    struct Getent {
        prints: &'static str,
        called: Mutex<Vec<Request>>,
    }

    impl Runner for Getent {
        fn run<'a>(
            &'a self,
            request: Request,
            _control: &'a Control,
        ) -> BoxFuture<'a, Result<Finished, RunError>> {
            let missing = request.program == Program::Named("getent") && self.prints.is_empty();
            self.called.lock().unwrap().push(request);
            let stdout = self.prints.to_owned().into();
            let finished = Finished { status: Status::Exited(2), stdout, stderr: String::new().into() };
            Box::pin(async move {
                if missing { Err(RunError::NotInstalled("getent".into())) } else { Ok(finished) }
            })
        }
    }

    async fn asked(prints: &'static str) -> (UserNames, Vec<Request>) {
        let names = UserNames::default();
        names.name(70_001);
        names.name(70_002);
        let getent = Getent { prints, called: Mutex::default() };
        let wanted = names.wanted().await;
        round(&names, wanted, Path::new("/nonexistent"), &getent).await;
        (names, getent.called.into_inner().unwrap())
    }

    #[tokio::test]
    async fn one_getent_is_asked_for_all_and_who_it_does_not_know_is_not_asked_for_again() {
        let (names, called) = asked("anna:*:70001:1:::\n").await;
        assert_eq!(called.len(), 1);
        assert_eq!(called[0].arguments, ["passwd", "70001", "70002"]);
        assert_eq!((names.name(70_001).as_deref(), names.name(70_002)), (Some("anna"), None));
        assert!(names.known().take_wanted(Instant::now()).is_empty());
    }

    #[tokio::test]
    async fn the_machines_own_getent_knows_root() {
        let runner = runner_beside_other_children();
        let found = by_getent(&[0, 4_000_000_000], &runner).await.unwrap();
        assert_eq!(found, BTreeMap::from([(0, "root".to_owned())]));
    }

    #[tokio::test]
    async fn a_machine_without_getent_has_numbers_and_is_not_asked_at_each_collection() {
        let (names, _) = asked("").await;
        assert_eq!(names.name(70_001), None);
        assert!(names.known().take_wanted(Instant::now()).is_empty());
    }
}
