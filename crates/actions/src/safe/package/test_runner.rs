//! A runner that plays recorded answers in order, and refuses what was not expected.

use crate::context::{CommandContext, ProcessSource, Services};
use crate::packages::{Apt, PackageManager, PackageSystem};
use crate::reloads::Reloads;
use infiniservice_collector::ProcessQuery;
use infiniservice_exec::{
    BoxFuture, Cancellation, Captured, CommandError, CommandResult, Finished, Line, Program, Request,
    RunError, Runner, Status, TakeLine,
};
use infiniservice_protocol::ServiceOperation;
use infiniservice_protocol::data::{ProcessListData, ServiceInfo};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// The program expected, an argument expected among its own, and its answer.
pub(in crate::safe) type Expected = (&'static str, &'static str, Finished);

/// The machine of a test: nothing but a package manager whose answers are known.
pub(in crate::safe) struct FakeRunner {
    scenes: Mutex<VecDeque<Expected>>,
}

impl FakeRunner {
    /// A context whose programs answer so, over a system's files below `root`.
    pub(in crate::safe) fn context(
        manager: Box<dyn PackageManager>,
        root: &Path,
        scenes: impl IntoIterator<Item = Expected>,
    ) -> (Arc<Self>, CommandContext) {
        let script = Arc::new(Self { scenes: Mutex::new(scenes.into_iter().collect()) });
        let context = CommandContext {
            runner: script.clone(),
            processes: script.clone(),
            services: script.clone(),
            packages: Some(Arc::new(PackageSystem::new(manager, root))),
            systemd_runs: true,
            changes: Arc::default(),
            scripts: crate::scripts::Scripts::none(),
            seal: Arc::default(),
            reloads: Reloads::default(),
            max_output_bytes: 1000,
            max_list_bytes: 1 << 20,
        };
        (script, context)
    }

    /// Whether everything expected was asked for.
    pub(in crate::safe) fn assert_over(&self) {
        let left = self.scenes.lock().unwrap();
        assert!(left.is_empty(), "never asked for: {left:?}");
    }
}

impl Runner for FakeRunner {
    fn run<'a>(&'a self, request: Request, _: &'a Cancellation) -> BoxFuture<'a, Result<Finished, RunError>> {
        let (program, argument, answer) = self
            .scenes
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or_else(|| panic!("nothing more was expected: {request:?}"));
        let is_it = match &request.program {
            Program::Named(name) => *name == program,
            Program::At(path) => path.file_stem().is_some_and(|stem| stem == program),
        };
        assert!(is_it, "{program}, not {request:?}");
        assert!(request.arguments.iter().any(|one| one == argument), "{argument} is not in {request:?}");
        Box::pin(async { Ok(answer) })
    }
}

/// Prints lines by their numbers: for ever where its lines are to be ended as enough, else one. Who wants all at once would
/// wait for ever.
pub(in crate::safe) struct Printer {
    pub(in crate::safe) line: fn(u64) -> String,
    pub(in crate::safe) status: Status,
    pub(in crate::safe) stderr: &'static str,
}

impl Printer {
    /// The context of a machine with apt, where every program is this.
    pub(in crate::safe) fn context(self) -> CommandContext {
        let root = tempfile::tempdir().unwrap();
        let (_, context) = FakeRunner::context(Box::new(Apt), root.path(), []);
        CommandContext { runner: Arc::new(self), ..context }
    }
}

impl Runner for Printer {
    fn run<'a>(&'a self, request: Request, _: &'a Cancellation) -> BoxFuture<'a, Result<Finished, RunError>> {
        panic!("what {request:?} prints may have no end")
    }

    fn run_lines<'a>(
        &'a self,
        _: Request,
        _: &'a Cancellation,
        take: TakeLine<'a>,
    ) -> BoxFuture<'a, Result<Finished, RunError>> {
        let Self { line, status, stderr } = *self;
        let mut numbers = 0..;
        while numbers.next().is_some_and(|n| take(Line { text: &line(n), cut: false }).is_continue())
            && status == Status::Enough
        {}
        let (stdout, stderr) = (Captured::default(), Captured::from(stderr.to_owned()));
        Box::pin(async move { Ok(Finished { status, stdout, stderr }) })
    }
}

impl ProcessSource for FakeRunner {
    fn processes(&self, _: ProcessQuery) -> BoxFuture<'_, Result<ProcessListData, String>> {
        Box::pin(async { Ok(ProcessListData::default()) })
    }
}

impl Services for FakeRunner {
    fn list(&self) -> BoxFuture<'_, Result<Vec<ServiceInfo>, CommandError>> {
        Box::pin(async { Ok(vec![]) })
    }

    fn control<'a>(
        &'a self,
        _: &'a str,
        _: ServiceOperation,
        _: &'a Cancellation,
    ) -> BoxFuture<'a, CommandResult> {
        Box::pin(async { unreachable!("packages control no service") })
    }
}
