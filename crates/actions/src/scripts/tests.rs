//! What the worker promises, with a runner that ends a script when the test says so.

use super::*;
use crate::news::{Completion, news_channel};
use infiniservice_exec::{BoxFuture, Cancellation, Captured, Finished, Request, RunError, Status};
use std::fs;
use std::path::Path;
use tokio::runtime::{Builder, Runtime};

/// Each script ends with the code that the test sends; its output is its own text.
struct Machine {
    ends: tokio::sync::Mutex<mpsc::UnboundedReceiver<i32>>,
}

impl Runner for Machine {
    fn run<'a>(
        &'a self,
        request: Request,
        cancellation: &'a Cancellation,
    ) -> BoxFuture<'a, Result<Finished, RunError>> {
        Box::pin(async move {
            let text = fs::read_to_string(file_of(&request)).unwrap_or_default();
            let mut ends = self.ends.lock().await;
            let status = tokio::select! {
                Some(code) = ends.recv() => Status::Exited(code),
                stop = cancellation.stopped() => Status::Stopped(stop),
            };
            Ok(Finished { status, stdout: text.into(), stderr: Captured::default() })
        })
    }
}

/// The file with the script: the last argument, or the last text in quotes of cmd's command line.
fn file_of(request: &Request) -> String {
    let line = request.command_line.as_ref().or(request.arguments.last()).unwrap();
    let line = line.to_string_lossy().into_owned();
    line.trim_matches('"').rsplit('"').next().unwrap_or_default().to_owned()
}

const HOUR: Duration = Duration::from_hours(1);

/// One life of the agent.
struct Life {
    scripts: Scripts,
    news: mpsc::Receiver<News>,
    end: mpsc::UnboundedSender<i32>,
}

impl Life {
    fn begin(directory: &Path, told: bool) -> Self {
        let (tell, news) = news_channel();
        let (end, ends) = mpsc::unbounded_channel();
        let machine = Machine { ends: tokio::sync::Mutex::new(ends) };
        let longest = HOUR;
        let settings = ScriptSettings { directory: Some(directory.join("scripts")), longest, told };
        let scripts = Scripts::start(settings, Arc::new(machine), tell);
        scripts.allow(None, HOUR);
        Self { scripts, news, end }
    }

    async fn next(&mut self, wanted: impl Fn(&News) -> bool) -> News {
        loop {
            let news = self.news.recv().await.expect("the worker lives");
            if wanted(&news) {
                return news;
            }
        }
    }

    async fn started(&mut self) -> String {
        match self.next(|news| matches!(news, News::ScriptStarted(_))).await {
            News::ScriptStarted(info) => info.execution_id,
            _ => unreachable!(),
        }
    }

    async fn ended(&mut self) -> ScriptInfo {
        match self.next(|news| matches!(news, News::ScriptEnded { .. })).await {
            News::ScriptEnded { info, .. } => *info,
            _ => unreachable!(),
        }
    }

    async fn completion(&mut self) -> Completion {
        match self.next(|news| matches!(news, News::Completion(_))).await {
            News::Completion(completion) => *completion,
            _ => unreachable!(),
        }
    }

    async fn submit(&self, id: &str) -> ScriptInfo {
        serde_json::from_value(self.scripts.submit(script(id)).await.unwrap().data).unwrap()
    }

    async fn status(&self) -> Vec<(String, ScriptState)> {
        let data = self.scripts.status(None).await.unwrap().data;
        let status: ScriptStatusData = serde_json::from_value(data).unwrap();
        status.scripts.into_iter().map(|info| (info.execution_id, info.state)).collect()
    }
}

fn script(id: &str) -> Submission {
    Submission {
        execution_id: id.into(),
        script: format!("echo {id}"),
        timeout_secs: 600,
        ..Submission::default()
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn place() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn scripts_run_one_at_a_time_in_their_order_and_what_they_wrote_is_kept_for_who_asks() {
    let place = place();
    runtime().block_on(async {
        let mut life = Life::begin(place.path(), false);
        assert_eq!(life.submit("a").await.state, ScriptState::Waiting);
        life.submit("b").await;
        assert_eq!(life.started().await, "a");
        assert!(life.scripts.is_running());
        let states = [("a".to_owned(), ScriptState::Running), ("b".to_owned(), ScriptState::Waiting)];
        assert_eq!(life.status().await, states);
        assert_eq!(life.scripts.remove("a".into()).await.unwrap_err().code, ErrorCode::Busy);
        life.end.send(3).unwrap();
        assert_eq!(life.ended().await.exit_code, Some(3));
        assert_eq!(life.started().await, "b");
        life.end.send(0).unwrap();
        life.next(|news| *news == News::ScriptsDone).await;
        let told = life.scripts.status(Some("a")).await.unwrap();
        assert_eq!((told.stdout.text.as_str(), &told.data["scripts"][0]["exit_code"]), ("echo a", &3.into()));
        life.scripts.remove("a".into()).await.unwrap();
        assert_eq!(life.status().await, [("b".to_owned(), ScriptState::Ended)]);
        assert_eq!(life.scripts.status(Some("a")).await.unwrap_err().code, ErrorCode::NotFound);
    });
}

#[test]
fn a_run_that_is_known_is_not_added_and_after_its_end_was_told_the_same_name_is_a_new_run() {
    let place = place();
    runtime().block_on(async {
        let mut life = Life::begin(place.path(), true);
        life.submit("a").await;
        assert!(life.submit("a").await.known);
        assert_eq!(life.started().await, "a");
        life.end.send(0).unwrap();
        let completion = life.completion().await;
        assert_eq!((completion.info.exit_code, completion.stdout.as_str()), (Some(0), "echo a"));
        assert!(life.submit("a").await.known, "its end was not told yet");
        life.scripts.told(completion.number);
        while !life.status().await.is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(!life.submit("a").await.known);
        assert_eq!(life.started().await, "a");
    });
}

#[test]
fn after_a_restart_what_had_begun_is_told_as_interrupted_and_what_had_not_runs() {
    let place = place();
    runtime().block_on(async {
        let mut life = Life::begin(place.path(), true);
        assert!(life.scripts.submit_all(vec![script("a"), script("b")]));
        assert_eq!(life.started().await, "a");
        while life.status().await.len() < 2 {
            tokio::task::yield_now().await;
        }
    });
    runtime().block_on(async {
        let mut life = Life::begin(place.path(), true);
        let mut told = Vec::new();
        life.end.send(0).unwrap();
        for _ in 0..2 {
            let completion = life.completion().await;
            life.scripts.told(completion.number);
            told.push((completion.info.execution_id, completion.info.exit_code, completion.stderr));
        }
        let interrupted = "interrupted by a restart; not run again".to_owned();
        assert_eq!(told[0], ("a".to_owned(), Some(1), interrupted));
        assert_eq!(told[1], ("b".to_owned(), Some(0), String::new()));
    });
}

#[test]
fn who_asks_while_the_agent_still_reads_what_its_predecessor_left_is_told_of_it() {
    let place = place();
    runtime().block_on(async {
        let mut life = Life::begin(place.path(), false);
        life.submit("a").await;
        life.started().await;
    });
    runtime().block_on(async {
        // The question is there before the worker has had its first turn.
        let life = Life::begin(place.path(), false);
        assert!(life.scripts.status(Some("a")).await.is_ok());
    });
}

#[test]
fn what_was_not_told_before_a_restart_is_told_after_it_and_does_not_run_again() {
    let place = place();
    runtime().block_on(async {
        let mut life = Life::begin(place.path(), true);
        life.submit("a").await;
        life.end.send(7).unwrap();
        assert_eq!(life.completion().await.info.exit_code, Some(7));
    });
    runtime().block_on(async {
        let mut life = Life::begin(place.path(), true);
        let completion = life.completion().await;
        assert_eq!((completion.info.exit_code, completion.stdout.as_str()), (Some(7), "echo a"));
    });
}

#[test]
fn at_the_agents_end_none_begins_and_what_runs_is_ended_as_interrupted() {
    let place = place();
    runtime().block_on(async {
        let mut life = Life::begin(place.path(), false);
        life.submit("a").await;
        life.submit("b").await;
        life.started().await;
        life.scripts.close();
        life.scripts.cancel();
        let ended = life.ended().await;
        assert_eq!((ended.exit_code, ended.error.as_deref()), (Some(1), Some(store::INTERRUPTED)));
        while life.scripts.is_running() {
            tokio::task::yield_now().await;
        }
        let states = [("a".to_owned(), ScriptState::Ended), ("b".to_owned(), ScriptState::Waiting)];
        assert_eq!(life.status().await, states);
    });
}

#[test]
fn what_waits_when_scripts_are_turned_off_ends_with_126_and_the_reason() {
    let place = place();
    runtime().block_on(async {
        let mut life = Life::begin(place.path(), false);
        life.submit("a").await;
        life.submit("b").await;
        life.started().await;
        life.scripts.allow(Some("scripts are off".into()), HOUR);
        life.end.send(0).unwrap();
        assert_eq!(life.ended().await.exit_code, Some(0));
        let never = life.ended().await;
        assert_eq!((never.exit_code, never.error.as_deref()), (Some(126), Some("scripts are off")));
    });
}

#[test]
fn all_are_forgotten_once_none_waits_or_runs() {
    let place = place();
    runtime().block_on(async {
        let mut life = Life::begin(place.path(), true);
        assert_eq!(life.scripts.forget().await.unwrap(), "finished scripts removed: 0");
        life.scripts.settled().await;
        life.submit("a").await;
        life.started().await;
        assert_eq!(life.scripts.forget().await.unwrap_err().code, ErrorCode::Busy);
        let waits = life.scripts.clone();
        let settled = tokio::spawn(async move { waits.settled().await });
        assert!(!settled.is_finished());
        life.end.send(0).unwrap();
        settled.await.unwrap();
        assert_eq!(life.scripts.forget().await.unwrap(), "finished scripts removed: 1");
        assert!(life.status().await.is_empty());
    });
    runtime().block_on(async {
        let mut life = Life::begin(place.path(), true);
        life.submit("b").await;
        assert_eq!(life.started().await, "b", "a copy knows of no script before");
    });
}

#[test]
fn a_shell_of_elsewhere_is_refused_with_126_and_an_odd_user_with_127() {
    let elsewhere = if std::env::consts::OS == "windows" { "BASH" } else { "POWERSHELL" };
    let of = |shell: Option<&str>, run_as: Option<&str>| Submission {
        shell: shell.map(str::to_owned),
        run_as: run_as.map(str::to_owned),
        ..script("a")
    };
    let code = |script: Submission| script.check().err().map(|(code, _)| code);
    assert_eq!(code(of(None, None)), None);
    assert_eq!(code(of(Some(elsewhere), None)), Some(126));
    assert_eq!(code(of(Some("perl"), None)), Some(126));
    assert_eq!(code(of(None, Some("a:b"))), Some(127));
}

#[test]
fn where_nothing_was_ever_stored_nothing_is_made() {
    let place = place();
    runtime().block_on(async {
        let life = Life::begin(place.path(), true);
        assert!(life.status().await.is_empty());
        assert_eq!(life.scripts.remove("a".into()).await.unwrap_err().code, ErrorCode::NotFound);
    });
    assert!(!place.path().join("scripts").exists());
}
