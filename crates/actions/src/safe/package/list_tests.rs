//! The list of installed packages, over recorded lines and over those of a program that prints for ever.

use super::test_runner::{FakeRunner, Printer};
use crate::context::CommandContext;
use crate::packages::Apt;
use crate::packages::test_fixture::finished;
use infiniservice_exec::{Cancellation, Status};
use infiniservice_protocol::data::PackageListData;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

async fn listed(limit: Option<u32>, filter: Option<&str>) -> PackageListData {
    let root = tempfile::tempdir().unwrap();
    let text = "installed\tzsh\t1\tall\t1\tA shell\ninstalled\tbash\t2\tall\t1\tGNU Bourne Again SHell\n\
        installed\tvim\t3\tall\t1\teditor\n";
    let (_, context) =
        FakeRunner::context(Box::new(Apt), root.path(), [("dpkg-query", "-W", finished(0, text, ""))]);
    let outcome = super::list(limit, filter, &context, &Cancellation::for_at_most(MINUTE)).await.unwrap();
    serde_json::from_value(outcome.data).unwrap()
}

#[tokio::test]
async fn the_list_is_sorted_filtered_by_name_and_description_and_counts_before_the_limit() {
    let names = |data: &PackageListData| data.packages.iter().map(|p| p.name.clone()).collect::<Vec<_>>();
    let all = listed(None, None).await;
    assert_eq!((names(&all), all.manager.as_str()), (vec!["bash".into(), "vim".into(), "zsh".into()], "apt"));
    let shells = listed(Some(1), Some("SHELL")).await;
    assert_eq!((names(&shells), shells.count), (vec!["bash".into()], 2));
}

/// Packages for ever.
fn endless() -> CommandContext {
    let line = |n| format!("installed\tp{n:06}\t1\tall\t1\tOne of many");
    Printer { line, status: Status::Enough, stderr: "" }.context()
}

#[tokio::test]
async fn a_list_without_end_is_taken_as_it_comes_and_cut_and_that_is_told() {
    let cancellation = Cancellation::for_at_most(MINUTE);
    let outcome = super::list(Some(2), None, &endless(), &cancellation).await.unwrap();
    let data: PackageListData = serde_json::from_value(outcome.data).unwrap();
    assert_eq!((data.packages.len(), data.count, data.packages[1].name.as_str()), (2, 50_000, "p000001"));
    assert_eq!(data.incomplete, ["the list was truncated after 50000 lines: it is too long"]);
    assert_eq!(outcome.stderr.text, format!("{}\n", data.incomplete[0]));
}

#[tokio::test]
async fn a_list_is_cut_by_what_it_takes_on_the_wire_and_says_so() {
    let line = |n| format!("installed\tp{n:06}\t1\tall\t1\t{}", "\u{fffd}".repeat(200));
    let context = Printer { line, status: Status::Enough, stderr: "" }.context();
    let outcome = super::list(Some(9000), None, &context, &Cancellation::for_at_most(MINUTE)).await.unwrap();
    let data: PackageListData = serde_json::from_value(outcome.data).unwrap();
    assert!((700..1 + (1 << 20) / 1200).contains(&data.packages.len()), "{}", data.packages.len());
    assert_eq!(data.truncated.get("packages"), Some(&9000));
    assert!(data.count > 9000 && data.packages[0].name == "p000000", "{}", data.count);
}

/// Two looks at parts would differ by what each of them lacks.
#[tokio::test]
async fn a_part_of_the_packages_is_not_taken_for_all_of_them() {
    let (context, cancellation) = (endless(), Cancellation::for_at_most(MINUTE));
    let error = super::PackageSession::of(&context, &cancellation).unwrap().versions().await.unwrap_err();
    assert!(
        error.error.contains("the installed packages could not be read: the list was truncated"),
        "{error}"
    );
}
