//! A runner that plays recorded answers in order, and refuses what was not expected.

use crate::collector::ProcessQuery;
use crate::commands::context::{BoxFuture, CommandContext, ProcessSource, Services};
use crate::commands::control::Control;
use crate::commands::outcome::{CommandError, CommandResult};
use crate::commands::runner::{Finished, Program, Request, RunError, Runner};
use crate::packages::{PackageManager, Site};
use infiniservice_protocol::ServiceOperation;
use infiniservice_protocol::data::{ProcessListData, ServiceInfo};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// The program expected, an argument expected among its own, and its answer.
pub(in crate::commands::safe) type Scene = (&'static str, &'static str, Finished);

/// The machine of a test: nothing but a package manager whose answers are known.
pub(in crate::commands::safe) struct Script {
    scenes: Mutex<VecDeque<Scene>>,
}

impl Script {
    /// A context whose programs answer so, over a system's files below `root`.
    pub(in crate::commands::safe) fn context(
        manager: Box<dyn PackageManager>,
        root: &Path,
        scenes: impl IntoIterator<Item = Scene>,
    ) -> (Arc<Self>, CommandContext) {
        let script = Arc::new(Self { scenes: Mutex::new(scenes.into_iter().collect()) });
        let context = CommandContext {
            runner: script.clone(),
            processes: script.clone(),
            services: script.clone(),
            packages: Some(Arc::new(Site::new(manager, root))),
            systemd_runs: true,
            changes: Arc::default(),
            max_output_bytes: 1000,
        };
        (script, context)
    }

    /// Whether everything expected was asked for.
    pub(in crate::commands::safe) fn assert_over(&self) {
        let left = self.scenes.lock().unwrap();
        assert!(left.is_empty(), "never asked for: {left:?}");
    }
}

impl Runner for Script {
    fn run<'a>(&'a self, request: Request, _: &'a Control) -> BoxFuture<'a, Result<Finished, RunError>> {
        let (program, argument, answer) = self
            .scenes
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or_else(|| panic!("nothing more was expected: {request:?}"));
        assert_eq!(request.program, Program::Named(program), "{request:?}");
        assert!(request.arguments.iter().any(|one| one == argument), "{argument} is not in {request:?}");
        Box::pin(async { Ok(answer) })
    }
}

impl ProcessSource for Script {
    fn processes(&self, _: ProcessQuery) -> BoxFuture<'_, Result<ProcessListData, String>> {
        Box::pin(async { Ok(ProcessListData::default()) })
    }
}

impl Services for Script {
    fn list(&self) -> BoxFuture<'_, Result<Vec<ServiceInfo>, CommandError>> {
        Box::pin(async { Ok(vec![]) })
    }

    fn control<'a>(
        &'a self,
        _: &'a str,
        _: ServiceOperation,
        _: &'a Control,
    ) -> BoxFuture<'a, CommandResult> {
        Box::pin(async { unreachable!("packages control no service") })
    }
}
