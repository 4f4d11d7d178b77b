//! Lists of programs that print for ever, print nonsense, or fail.

use super::linux::Asking;
use crate::commands::context::{BoxFuture, CommandContext};
use crate::commands::control::Control;
use crate::commands::outcome::Captured;
use crate::commands::runner::{Finished, Line, Request, RunError, Status};
use crate::commands::runner::{Runner, TakeLine};
use crate::commands::safe::package::script::Script;
use crate::inventory::{Selection, dpkg};
use crate::packages::Apt;
use std::sync::Arc;
use std::time::Duration;

/// Prints this line for ever, or once and then fails.
struct Prints(&'static str, Status);

impl Runner for Prints {
    fn run<'a>(&'a self, request: Request, _: &'a Control) -> BoxFuture<'a, Result<Finished, RunError>> {
        panic!("the list of {request:?} may have no end")
    }

    fn run_lines<'a>(
        &'a self,
        _: Request,
        _: &'a Control,
        take: TakeLine<'a>,
    ) -> BoxFuture<'a, Result<Finished, RunError>> {
        let Self(text, status) = *self;
        while take(Line { text, cut: false }).is_continue() && status == Status::Enough {}
        let stderr = Captured::from("it is broken\n".to_owned());
        Box::pin(async move { Ok(Finished { status, stdout: Captured::default(), stderr }) })
    }
}

async fn listed(
    line: &'static str,
    status: Status,
) -> (infiniservice_protocol::data::ApplicationInventoryData, String) {
    let root = tempfile::tempdir().unwrap();
    let (_, context) = Script::context(Box::new(Apt), root.path(), []);
    let context = CommandContext { runner: Arc::new(Prints(line, status)), ..context };
    let control = Control::for_at_most(Duration::from_secs(60));
    let mut asking = Asking { context: &context, control: &control, complaints: Vec::new() };
    let mut selection = Selection::new(None, Some(3));
    asking.list("dpkg-query", &[], &mut dpkg::line, &mut selection).await.unwrap();
    (selection.finish(), asking.complaints.concat())
}

#[tokio::test]
async fn a_list_without_end_is_taken_as_it_comes_and_cut_and_that_is_told() {
    let (data, _) = listed("iF \ta\t1\tall\t1\tLab", Status::Enough).await;
    assert_eq!((data.applications.len(), data.count), (3, 50_000));
    assert_eq!(data.applications[0].state.as_deref(), Some("half-configured"));
    assert_eq!(data.incomplete, ["dpkg-query: the list was cut after 50000 lines: it is too long"]);
}

#[tokio::test]
async fn lines_that_cannot_be_read_and_a_tool_that_fails_make_the_answer_incomplete() {
    let (data, complaints) = listed("no package", Status::Exited(2)).await;
    assert_eq!((data.count, complaints.as_str()), (0, "dpkg-query: it is broken\n"));
    assert_eq!(data.incomplete, ["dpkg-query: it is broken", "dpkg-query: 1 lines could not be read"]);
}
