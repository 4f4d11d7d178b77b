//! The list of installed packages, over recorded lines and over those of a program that prints for ever.

use super::script::Script;
use crate::commands::context::{BoxFuture, CommandContext};
use crate::commands::control::Control;
use crate::commands::outcome::Captured;
use crate::commands::runner::{Finished, Line, Request, RunError, Runner, Status, TakeLine};
use crate::packages::Apt;
use crate::packages::fixture::finished;
use infiniservice_protocol::data::PackageListData;
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

async fn listed(limit: Option<u32>, filter: Option<&str>) -> PackageListData {
    let root = tempfile::tempdir().unwrap();
    let text = "installed\tzsh\t1\tall\t1\tA shell\ninstalled\tbash\t2\tall\t1\tGNU Bourne Again SHell\n\
        installed\tvim\t3\tall\t1\teditor\n";
    let (_, context) =
        Script::context(Box::new(Apt), root.path(), [("dpkg-query", "-W", finished(0, text, ""))]);
    let outcome = super::list(limit, filter, &context, &Control::for_at_most(MINUTE)).await.unwrap();
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

/// Prints packages for ever, as long as somebody takes its lines; who wants all at once waits for ever.
struct Endless;

impl Runner for Endless {
    fn run<'a>(&'a self, request: Request, _: &'a Control) -> BoxFuture<'a, Result<Finished, RunError>> {
        panic!("{request:?} has no end")
    }

    fn run_lines<'a>(
        &'a self,
        _: Request,
        _: &'a Control,
        take: TakeLine<'a>,
    ) -> BoxFuture<'a, Result<Finished, RunError>> {
        let mut numbers = 0_u64..;
        let text = |n: u64| format!("installed\tp{n:06}\t1\tall\t1\tOne of many");
        while numbers.next().is_some_and(|n| take(Line { text: &text(n), cut: false }).is_continue()) {}
        let (stdout, stderr) = (Captured::default(), Captured::default());
        Box::pin(async { Ok(Finished { status: Status::Enough, stdout, stderr }) })
    }
}

fn endless() -> CommandContext {
    let root = tempfile::tempdir().unwrap();
    let (_, context) = Script::context(Box::new(Apt), root.path(), []);
    CommandContext { runner: Arc::new(Endless), ..context }
}

#[tokio::test]
async fn a_list_without_end_is_taken_as_it_comes_and_cut_and_that_is_told() {
    let control = Control::for_at_most(MINUTE);
    let outcome = super::list(Some(2), None, &endless(), &control).await.unwrap();
    let data: PackageListData = serde_json::from_value(outcome.data).unwrap();
    assert_eq!((data.packages.len(), data.count, data.packages[1].name.as_str()), (2, 50_000, "p000001"));
    assert_eq!(data.incomplete, ["the list was cut after 50000 lines: it is too long"]);
    assert_eq!(outcome.stderr.text, format!("{}\n", data.incomplete[0]));
}

/// Two looks at parts would differ by what each of them lacks.
#[tokio::test]
async fn a_part_of_the_packages_is_not_taken_for_all_of_them() {
    let (context, control) = (endless(), Control::for_at_most(MINUTE));
    let error = super::Desk::of(&context, &control).unwrap().versions().await.unwrap_err();
    assert!(error.error.contains("the installed packages could not be read: the list was cut"), "{error}");
}
