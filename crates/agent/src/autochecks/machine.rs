//! What the checks read the machine through, and what several of them share.

use super::checks::disk::{self, FileSystems};
use super::finding::Skip;
use super::isolate;
use super::journal::{self, Entry};
use super::levels::Asked;
use super::updates::{Known, UpdateSource};
use crate::commands::control::Stop;
use crate::commands::runner::{Program, Request, Runner, Status};
use crate::commands::{Control, Services};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// No file that is read here is larger on a sane machine.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// Output of one program, in bytes.
const MAX_OUTPUT_BYTES: usize = 1 << 20;

type Shared<T> = OnceCell<Result<Arc<T>, Skip>>;

/// One round's view of the machine. The clones share what was asked once.
#[derive(Clone)]
pub struct Machine {
    /// `/`, or a recorded tree.
    pub root: PathBuf,
    /// Starts programs.
    pub runner: Arc<dyn Runner>,
    /// Knows services.
    pub services: Arc<dyn Services>,
    /// Knows pending updates.
    pub updates: Arc<dyn UpdateSource>,
    /// The thresholds that the host asked for.
    pub asked: Asked,
    /// The time that there is.
    pub control: Control,
    /// Empty at first.
    pub once: Arc<Once>,
}

/// What is asked once in a round.
#[derive(Default)]
pub struct Once {
    kernel_log: Shared<Vec<Entry>>,
    pending: Shared<Known>,
    file_systems: Shared<FileSystems>,
}

impl Machine {
    /// The same for one check that may take so long: of the command's time a tenth is kept for the answer.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Self {
        let share = limit.min(self.control.remaining().mul_f64(0.9));
        Self { control: self.control.shortened(share), ..self.clone() }
    }

    /// A file's beginning, up to 1 MiB; the path is below the root.
    pub async fn read(&self, path: &'static str) -> Result<Vec<u8>, Skip> {
        self.read_if_there(path).await?.ok_or_else(|| Skip(format!("/{path} does not exist here")))
    }

    /// The same; `None` where there is no such file.
    pub async fn read_if_there(&self, path: &'static str) -> Result<Option<Vec<u8>>, Skip> {
        let full = self.root.join(path);
        match isolate::run(path, move || beginning(&full)).await? {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Skip(format!("/{path}: {error}"))),
        }
    }

    /// What a program writes that has to succeed.
    pub async fn output(&self, request: Request) -> Result<String, Skip> {
        let program = match &request.program {
            Program::Named(name) => (*name).to_owned(),
            Program::At(path) => path.display().to_string(),
        };
        let request = request.max_output(MAX_OUTPUT_BYTES);
        let finished = self.runner.run(request, &self.control).await.map_err(|e| Skip(e.to_string()))?;
        if finished.succeeded() {
            return Ok(finished.stdout.text);
        }
        let words = finished.stderr.text.lines().last().unwrap_or_default().chars().take(200);
        let words: String = words.collect();
        Err(Skip(format!("{program} {}: {words}", how_it_ended(&finished.status))))
    }

    /// Warnings and worse of the kernel since boot, the newest first.
    pub async fn kernel_log(&self) -> Result<Arc<Vec<Entry>>, Skip> {
        let read = || async { Ok(Arc::new(journal::parse(&self.output(journal::request()).await?))) };
        self.once.kernel_log.get_or_init(read).await.clone()
    }

    /// Pending updates, asked for once.
    pub async fn pending_updates(&self) -> Result<Arc<Known>, Skip> {
        let ask = || async { self.updates.pending(&self.control).await.map(Arc::new).map_err(Skip) };
        self.once.pending.get_or_init(ask).await.clone()
    }

    /// File systems, asked once.
    pub async fn file_systems(&self) -> Result<Arc<FileSystems>, Skip> {
        let ask = || async { disk::gather(self).await.map(Arc::new) };
        self.once.file_systems.get_or_init(ask).await.clone()
    }
}

fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// In words that go on after the program's name; a person reads them.
fn how_it_ended(status: &Status) -> String {
    match status {
        Status::Exited(code) => format!("failed with exit code {code}"),
        Status::Signalled(signal) => format!("was ended by signal {signal}"),
        Status::Stopped(Stop::TimedOut(limit)) => format!("took longer than {} s", limit.as_secs()),
        Status::Stopped(Stop::Cancelled) => "was stopped with the agent".into(),
        _ => "did not come to its end".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_program_is_told_in_words() {
        let ends = [
            Status::Exited(1),
            Status::Signalled(9),
            Status::Stopped(Stop::TimedOut(Duration::from_secs(5))),
            Status::Stopped(Stop::Cancelled),
            Status::Lost,
        ];
        for end in ends {
            let told = how_it_ended(&end);
            assert!(!told.contains(['(', '{', '"']) && told.starts_with(char::is_lowercase), "{told}");
        }
    }
}
