//! `PackageSearch`: the repositories' lists as they were last fetched, sifted for the words of a query.

use super::session::PackageSession;
use crate::context::CommandContext;
use crate::packages::{Best, CannotSearch, Hit, RepoMetadata, Words};
use crate::safe::listing::{MESSAGES_MAX_BYTES, within};
use infiniservice_exec::{
    Cancellation, CommandError, CommandOutcome, CommandResult, Finished, Line, Request, Status,
};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::action::MAX_HITS;
use infiniservice_protocol::data::{FoundPackage, PackageInfo, PackageSearchData};
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

/// Lines that are read: no distribution has so many packages.
const MAX_LINES: u32 = 300_000;
/// Longest answer that is read as a whole.
const MAX_TABLE_BYTES: usize = 1 << 20;

/// The best of what is found.
pub(in crate::safe) async fn search(
    query: &str,
    limit: Option<u32>,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    let session = PackageSession::of(context, cancellation)?;
    let (manager, words) = (session.manager(), Words::of(query));
    let request = manager.search(&words).map_err(|cannot| refusal(manager.name(), cannot, query))?;
    session.expect_lists().await?;
    let mut best = Best::of(&words, limit.unwrap_or(MAX_HITS) as usize);
    let mut incomplete = session.sift(request, &mut best).await?;
    let (hits, count) = best.finish();
    let (mut packages, cut) = session.complete(hits).await?;
    incomplete.extend(cut);
    let truncated = within("packages", &mut packages, context.max_list_bytes);
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let manager = manager.name().to_owned();
    CommandOutcome::of(&PackageSearchData { packages, manager, count, incomplete, truncated })
}

fn refusal(manager: &str, cannot: CannotSearch, query: &str) -> CommandError {
    match cannot {
        CannotSearch::Unsupported => {
            CommandError::new(ErrorCode::Unsupported, format!("the agent does not search by {manager}"))
        }
        CannotSearch::Must(must) => {
            CommandError::new(ErrorCode::InvalidParameter, format!("`query` must {must}, not {query:?}"))
        }
    }
}

/// Versions by name, each with its architecture.
type Installed = HashMap<String, Vec<(Option<String>, String)>>;

impl PackageSession<'_> {
    /// Nothing found in no lists is not nothing.
    async fn expect_lists(&self) -> Result<(), CommandError> {
        if self.manager().lists().is_empty() || matches!(self.site().lists().await, RepoMetadata::Fetched(_))
        {
            return Ok(());
        }
        let error = format!(
            "{} has no repository metadata here to search; UpdateCheck fetches it",
            self.manager().name()
        );
        Err(CommandError::new(ErrorCode::ExecutionFailed, error))
    }

    /// Takes what fits out of the answer. What was not read is told.
    async fn sift(&self, request: Request, best: &mut Best<'_>) -> Result<Vec<String>, CommandError> {
        let Some(read) = self.manager().read_hits() else { return self.sift_lines(request, best).await };
        let finished =
            self.context.runner.run(request.max_output(MAX_TABLE_BYTES), self.cancellation).await?;
        self.expect_answer(&finished).await?;
        for hit in read(&finished.stdout.text) {
            best.take(hit);
        }
        let cut = format!("the search was cut after {MAX_TABLE_BYTES} bytes: it is too long");
        Ok(finished.stdout.truncated.then_some(cut).into_iter().collect())
    }

    /// Line by line, as there may be some ten thousand.
    async fn sift_lines(&self, request: Request, best: &mut Best<'_>) -> Result<Vec<String>, CommandError> {
        let (manager, mut lines) = (self.manager(), 0);
        let mut take = |line: Line<'_>| {
            lines += 1;
            if lines > MAX_LINES {
                return ControlFlow::Break(());
            }
            if let Some(hit) = manager.read_hit(line.text).flatten() {
                best.take(hit);
            }
            ControlFlow::Continue(())
        };
        let request = request.max_output(MESSAGES_MAX_BYTES);
        let finished = self.context.runner.run_lines(request, self.cancellation, &mut take).await?;
        if finished.status == Status::Enough {
            return Ok(vec![format!("the search was ended after {MAX_LINES} lines: it is too long")]);
        }
        self.expect_answer(&finished).await?;
        Ok(Vec::new())
    }

    async fn expect_answer(&self, finished: &Finished) -> Result<(), CommandError> {
        let manager = self.manager();
        if manager.ended_well(finished) || manager.found_none(finished) {
            return Ok(());
        }
        let failure = self.read_failure(finished).await;
        let error = format!("{} could not search: {}", manager.name(), failure.reason());
        Err(finished.clone().into_error(failure.code(), error))
    }

    /// Adds versions, and what is installed.
    async fn complete(&self, hits: Vec<Hit>) -> Result<(Vec<FoundPackage>, Option<String>), CommandError> {
        if hits.is_empty() {
            return Ok((Vec::new(), None));
        }
        let candidates = self.candidates(&hits).await?;
        let (installed, cut) = self.installed_of(&hits).await?;
        let packages = hits.into_iter().filter_map(|hit| found(hit, &candidates, &installed)).collect();
        Ok((packages, cut))
    }

    /// What is installed of these, and what of that is not known.
    async fn installed_of(&self, hits: &[Hit]) -> Result<(Installed, Option<String>), CommandError> {
        let wanted: HashSet<&str> = hits.iter().map(|hit| hit.name.as_str()).collect();
        let mut installed = Installed::new();
        let mut keep = |one: PackageInfo| {
            if wanted.contains(one.name.as_str()) {
                installed.entry(one.name).or_default().push((one.architecture, one.version));
            }
        };
        let tally = self.each_installed(&mut keep).await?;
        Ok((installed, tally.cut()))
    }

    /// The versions of those whose version the search does not tell.
    async fn candidates(&self, hits: &[Hit]) -> Result<HashMap<String, String>, CommandError> {
        let names: Vec<_> =
            hits.iter().filter(|hit| hit.version.is_none()).map(|hit| hit.name.as_str()).collect();
        let request = (!names.is_empty()).then(|| self.manager().versions(&names)).flatten();
        let Some(request) = request else { return Ok(HashMap::new()) };
        let finished = self.read(request, "the versions of packages").await?;
        Ok(self.manager().read_versions(&finished.stdout.text))
    }
}

/// A package without any version is a name that others provide.
fn found(hit: Hit, candidates: &HashMap<String, String>, installed: &Installed) -> Option<FoundPackage> {
    let wanted = hit.architecture.as_deref();
    let is_it = |of: Option<&str>| of.is_none() || wanted.is_none() || of == wanted;
    let mut all = installed.get(&hit.name).into_iter().flatten();
    let version_installed = all.find(|(of, _)| is_it(of.as_deref())).map(|(_, version)| version.clone());
    let version = hit.version.or_else(|| candidates.get(&hit.name).cloned());
    Some(FoundPackage {
        version: version.or_else(|| version_installed.clone())?,
        name: hit.name,
        architecture: hit.architecture,
        description: hit.description,
        installed: version_installed.is_some(),
        version_installed,
        source: hit.source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::test_fixture::finished;
    use crate::packages::winget::Winget;
    use crate::packages::{Apt, Dnf, PackageManager, Zypper};
    use crate::safe::package::test_runner::{Expected, FakeRunner};
    use std::fs;
    use std::time::Duration;

    const LISTS: &str = "var/lib/apt/lists/x_Packages";
    const SEARCH: &str =
        "nano - small editor\nnano-tiny - smaller editor\npico - what nano is like\nvirtual - nano\n";
    const POLICY: &str = "nano:\n  Installed: 7.1\n  Candidate: 7.2\nnano-tiny:\n  Candidate: 7.2\n\
        pico:\n  Candidate: 1\nvirtual:\n  Candidate: (none)\n";

    async fn searched(
        manager: Box<dyn PackageManager>,
        lists: &str,
        query: &str,
        limit: Option<u32>,
        scenes: Vec<Expected>,
    ) -> Result<PackageSearchData, CommandError> {
        let root = tempfile::tempdir().unwrap();
        if !lists.is_empty() {
            fs::create_dir_all(root.path().join(lists).parent().unwrap()).unwrap();
            fs::write(root.path().join(lists), "").unwrap();
        }
        let (runner, context) = FakeRunner::context(manager, root.path(), scenes);
        let cancellation = Cancellation::for_at_most(Duration::from_secs(60));
        let outcome = search(query, limit, &context, &cancellation).await;
        runner.assert_over();
        Ok(serde_json::from_value(outcome?.data).unwrap())
    }

    fn told(data: &PackageSearchData) -> Vec<(&str, &str, Option<&str>)> {
        data.packages.iter().map(|p| (&*p.name, &*p.version, p.version_installed.as_deref())).collect()
    }

    #[tokio::test]
    async fn apt_tells_candidates_and_what_is_installed_and_a_name_without_a_version_is_no_package() {
        let installed = "installed\tnano\t7.1\tamd64\t1\tsmall editor\n";
        let scenes = vec![
            ("apt-cache", "--names-only", finished(0, SEARCH, "")),
            ("apt-cache", "pico", finished(0, POLICY, "")),
            ("dpkg-query", "-W", finished(0, installed, "")),
        ];
        let data = searched(Box::new(Apt), LISTS, "Nano", None, scenes).await.unwrap();
        assert_eq!(
            told(&data),
            [("nano", "7.2", Some("7.1")), ("nano-tiny", "7.2", None), ("pico", "1", None)]
        );
        assert_eq!(
            (data.manager.as_str(), data.packages[0].installed, data.packages[1].installed),
            ("apt", true, false)
        );
    }

    #[tokio::test]
    async fn matches_are_counted_before_the_limit() {
        let scenes = vec![
            ("apt-cache", "search", finished(0, SEARCH, "")),
            ("apt-cache", "policy", finished(0, POLICY, "")),
            ("dpkg-query", "-W", finished(0, "", "")),
        ];
        let data = searched(Box::new(Apt), LISTS, "nano", Some(1), scenes).await.unwrap();
        assert_eq!((told(&data), data.count), (vec![("nano", "7.2", None)], 4));
    }

    #[tokio::test]
    async fn no_lists_are_a_failure_and_nothing_found_in_lists_is_an_empty_list() {
        let error = searched(Box::new(Apt), "", "nano", None, vec![]).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::ExecutionFailed);
        assert!(error.error.contains("no repository metadata"), "{error}");
        let scenes = vec![("apt-cache", "search", finished(0, "", ""))];
        let data = searched(Box::new(Apt), LISTS, "nosuch", None, scenes).await.unwrap();
        assert_eq!((data.packages.len(), data.count), (0, 0));
    }

    #[tokio::test]
    async fn dnf_is_asked_for_its_cache_and_sifted_by_the_agent() {
        let text = "nano\t7.2-1\tx86_64\tfedora\tA small\ttext editor\nvim\t0:9-1\tx86_64\tfedora\tVi\n\
            nano\t6.0-1\tx86_64\told\tA small text editor\nodd line\n";
        let scenes = vec![
            ("dnf", "-C", finished(0, text, "")),
            ("rpm", "-qa", finished(0, "nano\t6.0-1\tx86_64\t1\tA small text editor\n", "")),
        ];
        let lists = "var/cache/dnf/fedora-1/repodata/repomd.xml";
        let data = searched(Box::new(Dnf), lists, "text nano", None, scenes).await.unwrap();
        assert_eq!(told(&data), [("nano", "7.2-1", Some("6.0-1"))]);
        assert_eq!((data.packages[0].source.as_str(), data.count), ("fedora", 1));
        let failed = finished(1, "", "Error: Cache-only enabled but no cache for 'fedora'\n");
        let error =
            searched(Box::new(Dnf), lists, "nano", None, vec![("dnf", "-C", failed)]).await.unwrap_err();
        assert!(
            error.error.starts_with("dnf could not search: a repository's metadata was never"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn zypper_is_asked_for_the_longest_plain_word_and_never_for_a_pattern() {
        let lists = "var/cache/zypp/raw/lab/repodata/repomd.xml";
        let text = include_str!("../../packages/zypper/fixtures/known.zypper-1.14.42.stdout");
        let scenes = vec![
            ("zypper", "plain", finished(0, text, "")),
            ("rpm", "-qa", finished(0, "lab-plain\t1.0-1\tnoarch\t1\tx\n", "")),
        ];
        let data = searched(Box::new(Zypper), lists, "lab plain", None, scenes).await.unwrap();
        assert_eq!(told(&data), [("lab-plain", "1.0-1", Some("1.0-1"))]);
        let none = include_str!("../../packages/zypper/fixtures/known-not.zypper-1.14.42.stdout");
        let scenes = vec![("zypper", "nosuch", finished(104, none, ""))];
        assert_eq!(searched(Box::new(Zypper), lists, "nosuch", None, scenes).await.unwrap().count, 0);
        let error = searched(Box::new(Zypper), lists, "/(a*)*/", None, vec![]).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidParameter);
    }

    #[tokio::test]
    async fn winget_is_asked_for_the_longest_word_and_its_table_is_sifted_as_a_whole() {
        let winget = || Box::new(Winget { program: "winget.exe".into() });
        let found = "Name          Id          Version Match       Source\n\
            ----------------------------------------------------\n\
            7-Zip         7zip.7zip   24.09               winget\n\
            NanaZip       M2.NanaZip  5.0     Tag: 7-zip  winget\n";
        let installed = "Name    Id        Version Source\n-------------------------------\n\
            7-Zip   7zip.7zip 24.08   winget\n";
        let scenes =
            vec![("winget", "7-zip", finished(0, found, "")), ("winget", "list", finished(0, installed, ""))];
        let data = searched(winget(), "", "7-Zip", None, scenes).await.unwrap();
        assert_eq!(told(&data), [("7zip.7zip", "24.09", Some("24.08"))]);
        assert_eq!((data.packages[0].description.as_str(), data.count), ("7-Zip", 1));
        let none = finished(0x8A15_0014_u32.cast_signed(), "No package found matching input criteria.\n", "");
        let data = searched(winget(), "", "nosuch", None, vec![("winget", "nosuch", none)]).await.unwrap();
        assert_eq!(data.count, 0);
        let error = searched(winget(), "", "-q", None, vec![]).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidParameter);
    }
}
