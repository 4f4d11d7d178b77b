//! Reading all sources into `Loaded`, and reading them again while the agent runs.

use super::error::{ConfigError, ConfigErrors};
use super::field::Secret;
use super::layers::{FlagValue, Fragment, Merged};
use super::reloaded::Reloaded;
use super::secret;
use super::table::{self, Settings};
use super::{controller_keys, environment, file, last_good, own_files};
use infiniservice_platform::gate::Gate;
use infiniservice_protocol::sealed::Controllers;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Everything that settings come from.
#[derive(Clone)]
pub struct Sources {
    /// Read where neither flag nor variable names a file; may be missing.
    pub default_file: PathBuf,
    /// `--config`: has to be there.
    pub config_flag: Option<PathBuf>,
    /// The process's environment.
    pub environment: Vec<(OsString, OsString)>,
    /// In the order of the command line.
    pub flags: Vec<FlagValue>,
}

/// Valid settings, their origins, and the sources they can be read from again.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What holds.
    pub settings: Settings,
    /// Where each value came from.
    pub merged: Merged,
    /// Who may seal lines to this machine, where the settings name them.
    pub controllers: Option<Arc<Controllers>>,
    /// The file that was read; `None` where the default file is missing.
    pub file: Option<PathBuf>,
    /// That file's text; it may hold the secret.
    pub(super) text: Option<Secret>,
    /// What is wrong with the configuration file, where the last valid one was taken instead.
    pub problem: Option<ConfigErrors>,
    /// Read again while the agent runs.
    pub sources: Sources,
}

impl Sources {
    /// This process's own; `environment` is what [`super::environment::of_process`] gave.
    pub fn of_process(
        config_flag: Option<PathBuf>,
        environment: Vec<(OsString, OsString)>,
        flags: Vec<FlagValue>,
    ) -> Self {
        Self { default_file: own_files::default_file(), config_flag, environment, flags }
    }

    /// Reads, merges and validates.
    ///
    /// # Errors
    /// Everything that is wrong in any of the sources.
    pub fn load(&self) -> Result<Loaded, ConfigErrors> {
        let (path, required) = self.file();
        self.load_from(path, required)
    }

    /// The same; where something is wrong with the file, the last valid one beside it is taken instead, and
    /// [`Loaded::problem`] says why.
    ///
    /// # Errors
    /// Everything that is wrong, where the last valid file does not help.
    pub fn load_or_last_good(&self) -> Result<Loaded, ConfigErrors> {
        let errors = match self.load() {
            Err(errors) => errors,
            loaded => return loaded,
        };
        match self.load_from(last_good::last_good_path(&self.file().0), true) {
            Ok(loaded) if !self.protects_less(&loaded) => Ok(Loaded { problem: Some(errors), ..loaded }),
            Ok(_) | Err(_) => Err(errors),
        }
    }

    /// Whether the file that is wrong wants lines to be signed or sealed, and the last valid one does not: to obey plain lines
    /// instead would be the opposite of what was asked for.
    fn protects_less(&self, last_good: &Loaded) -> bool {
        let (path, required) = self.file();
        let (_, text) = file::read(&path, required);
        let text = text.as_ref().map_or("", Secret::expose);
        let wants = |name: &str| text.lines().any(|line| line.trim_start().starts_with(name));
        (wants("controller_keys") && last_good.controllers.is_none())
            || (wants("shared_secret") && last_good.settings.shared_secret.is_none())
    }

    fn load_from(&self, path: PathBuf, required: bool) -> Result<Loaded, ConfigErrors> {
        let (of_file, text) = file::read(&path, required);
        let mut layers = vec![
            Fragment::defaults(),
            of_file,
            secret::from_credential(&self.environment),
            environment::read(&self.environment),
            Fragment::flags(&self.flags),
        ];
        let mut errors: Vec<ConfigError> =
            layers.iter_mut().flat_map(|layer| std::mem::take(&mut layer.errors)).collect();
        errors.extend(
            layers.iter().filter(|layer| layer.more_errors > 0).map(|it| ConfigError::More(it.more_errors)),
        );
        let mut merged = Merged::new(layers);
        errors.extend(table::conflicts(&merged, &broken(&errors)));
        errors.extend(secret::from_file(&mut merged));
        let controllers = controller_keys::read(&merged).unwrap_or_else(|error| {
            errors.push(error);
            None
        });
        if !errors.is_empty() {
            return Err(ConfigErrors(errors));
        }
        let settings = Settings::from_merged(&merged).map_err(mistyped)?;
        let file = text.is_some().then_some(path);
        Ok(Loaded { settings, merged, controllers, file, text, problem: None, sources: self.clone() })
    }

    /// The directory of plugins beside the default file; `None` where another file was named.
    pub(crate) fn default_plugins(&self) -> Option<PathBuf> {
        let (file, named) = self.file();
        file.parent().filter(|_| !named).map(|directory| directory.join("plugins.d"))
    }

    /// The file that is read, whether or not it is there.
    pub(crate) fn path(&self) -> PathBuf {
        self.file().0
    }

    /// The file to read, and whether it has to be there.
    fn file(&self) -> (PathBuf, bool) {
        let variable =
            environment::lookup(&self.environment, environment::CONFIG).filter(|path| !path.is_empty());
        match self.config_flag.clone().or_else(|| variable.map(PathBuf::from)) {
            Some(path) => (path, true),
            None => (self.default_file.clone(), false),
        }
    }
}

/// Names only: a variable may hold the secret.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variables: Vec<_> = self.environment.iter().map(|(name, _)| name).collect();
        let flags: Vec<_> = self.flags.iter().map(|flag| &flag.name).collect();
        let mut shown = f.debug_struct("Sources");
        shown.field("default_file", &self.default_file).field("config_flag", &self.config_flag);
        shown.field("environment", &variables).field("flags", &flags).finish()
    }
}

impl Loaded {
    /// Reads all sources again and takes over what may change at run time.
    ///
    /// # Errors
    /// Everything that is wrong; the settings then stay as they are.
    pub fn reload(&mut self) -> Result<Reloaded, ConfigErrors> {
        let mut new = self.sources.load()?;
        // The file is read again; another file, or none, waits for a restart.
        if new.settings.controller_keys == self.settings.controller_keys {
            self.controllers = new.controllers;
        }
        let held = self.settings.held_back(&new.settings);
        let reloaded = self.settings.take_over(&new.settings, &held);
        for waiting in &reloaded.waiting {
            new.merged.keep(waiting.name, &self.merged);
        }
        (self.merged, self.file, self.text) = (new.merged, new.file, new.text);
        self.problem = None;
        Ok(reloaded)
    }
}

impl Loaded {
    /// Keeps the file's text for a start at which the file is wrong. Not where this is such a start.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&self) -> io::Result<()> {
        if self.problem.is_some() {
            return Ok(());
        }
        // While file systems are frozen the copy that is there has to do.
        let _pass = Gate::of_the_process().pass().map_err(io::Error::other)?;
        last_good::keep_last_good(&self.sources.file().0, self.text.as_ref().map_or("", Secret::expose))
    }
}

fn broken(errors: &[ConfigError]) -> BTreeSet<&'static str> {
    let names = errors.iter().filter_map(|error| match error {
        ConfigError::Value { name, .. } => Some(*name),
        _ => None,
    });
    names.collect()
}

fn mistyped(name: &'static str) -> ConfigErrors {
    ConfigErrors(vec![ConfigError::Conflict(format!(
        "{name}: declared with a kind that does not fit its type"
    ))])
}
