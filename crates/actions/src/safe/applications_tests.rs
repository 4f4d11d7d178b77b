//! Lists of programs that print for ever, print nonsense, or fail.

use super::linux::Asking;
use crate::inventory::{Selection, dpkg};
use crate::safe::package::test_runner::Printer;
use infiniservice_exec::{Cancellation, Status};
use std::time::Duration;

async fn listed(
    line: fn(u64) -> String,
    status: Status,
) -> (infiniservice_protocol::data::ApplicationInventoryData, String) {
    let context = Printer { line, status, stderr: "it is broken\n" }.context();
    let cancellation = Cancellation::for_at_most(Duration::from_secs(60));
    let mut asking = Asking { context: &context, cancellation: &cancellation, complaints: Vec::new() };
    let mut selection = Selection::new(None, Some(3), 4 << 20);
    asking.list("dpkg-query", &[], &mut dpkg::line, &mut selection).await.unwrap();
    (selection.finish(), asking.complaints.concat())
}

#[tokio::test]
async fn a_list_without_end_is_taken_as_it_comes_and_cut_and_that_is_told() {
    let (data, _) = listed(|_| "iF \ta\t1\tall\t1\tLab".to_owned(), Status::Enough).await;
    assert_eq!((data.applications.len(), data.count), (3, 50_000));
    assert_eq!(data.applications[0].state.as_deref(), Some("half-configured"));
    assert_eq!(data.incomplete, ["dpkg-query: the list was truncated after 50000 lines: it is too long"]);
}

#[tokio::test]
async fn lines_that_cannot_be_read_and_a_tool_that_fails_make_the_answer_incomplete() {
    let (data, complaints) = listed(|_| "no package".to_owned(), Status::Exited(2)).await;
    assert_eq!((data.count, complaints.as_str()), (0, "dpkg-query: it is broken\n"));
    assert_eq!(data.incomplete, ["dpkg-query: it is broken", "dpkg-query: 1 lines could not be parsed"]);
}
