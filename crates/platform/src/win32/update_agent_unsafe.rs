//! The Windows Update Agent's interfaces, for threads of `com_unsafe`.
#![allow(unsafe_code)]

use super::record::ole_time;
use super::updates::{Outcome, Past, Update};
use std::time::SystemTime;
use windows::Win32::Foundation::VARIANT_BOOL;
use windows::Win32::System::Com::{CLSCTX_INPROC_SERVER, CoCreateInstance};
use windows::Win32::System::UpdateAgent::{
    AutomaticUpdates, IAutomaticUpdates2, ISystemInformation, IUpdate, IUpdate3, IUpdateCollection,
    IUpdateHistoryEntry, IUpdateSession, SystemInformation, UpdateCollection, UpdateSession,
};
use windows::Win32::System::Variant::{VARIANT, VT_DATE};
use windows::core::{BSTR, Interface, Result};

/// Updates read of one search.
const MAX_UPDATES: i32 = 2000;
/// Texts and categories read of one update.
const MAX_PARTS: i32 = 50;

/// A session of the update agent.
pub struct Agent(IUpdateSession);

/// What a search found, to be installed or told.
pub struct Found(Vec<IUpdate>);

impl Found {
    /// What the updates tell, by their places.
    pub fn updates(&self) -> Vec<Update> {
        self.0.iter().map(read).collect()
    }
}

impl Agent {
    /// A session in the agent's own name, which stands in Windows' update history.
    pub fn new() -> Result<Self> {
        // SAFETY: COM is initialised on this thread.
        unsafe {
            let session: IUpdateSession = CoCreateInstance(&UpdateSession, None, CLSCTX_INPROC_SERVER)?;
            session.SetClientApplicationID(&BSTR::from("InfiniService"))?;
            Ok(Self(session))
        }
    }

    /// What is neither installed nor hidden; `online` asks the update server, else what is known already is told.
    pub fn search(&self, online: bool) -> Result<Found> {
        // SAFETY: all objects are owned here.
        unsafe {
            let searcher = self.0.CreateUpdateSearcher()?;
            searcher.SetOnline(VARIANT_BOOL::from(online))?;
            let found = searcher.Search(&BSTR::from("IsInstalled=0 and IsHidden=0"))?.Updates()?;
            let count = found.Count()?.min(MAX_UPDATES);
            let objects = (0..count).map(|at| found.get_Item(at)).collect::<Result<Vec<_>>>()?;
            Ok(Found(objects))
        }
    }

    /// The newest entries of the history, at most this many, the newest first.
    pub fn history(&self, most: i32) -> Result<Vec<Past>> {
        // SAFETY: all objects are owned here.
        unsafe {
            let searcher = self.0.CreateUpdateSearcher()?;
            let count = searcher.GetTotalHistoryCount()?.min(most);
            // It refuses to tell none.
            if count <= 0 {
                return Ok(Vec::new());
            }
            let entries = searcher.QueryHistory(0, count)?;
            (0..entries.Count()?.min(most)).map(|at| Ok(past(&entries.get_Item(at)?))).collect()
        }
    }

    /// Downloads and installs these by their places, and tells what came of each; whether a reboot is needed.
    pub fn install(&self, found: &Found, places: &[usize]) -> Result<(Vec<Outcome>, bool)> {
        // SAFETY: all objects are owned here.
        unsafe {
            let wanted: IUpdateCollection = CoCreateInstance(&UpdateCollection, None, CLSCTX_INPROC_SERVER)?;
            for object in places.iter().filter_map(|place| found.0.get(*place)) {
                if !object.EulaAccepted()?.as_bool() {
                    object.AcceptEula()?;
                }
                wanted.Add(object)?;
            }
            let downloader = self.0.CreateUpdateDownloader()?;
            downloader.SetUpdates(&wanted)?;
            log::info!("Windows Update downloads {} update(s)", wanted.Count()?);
            downloader.Download()?;
            let installer = self.0.CreateUpdateInstaller()?;
            installer.SetUpdates(&wanted)?;
            log::info!("Windows Update installs {} update(s)", wanted.Count()?);
            let result = installer.Install()?;
            let outcomes = (0..wanted.Count()?).map(|at| {
                let one = result.GetUpdateResult(at)?;
                Ok(Outcome { code: one.ResultCode()?.0, hresult: one.HResult()? })
            });
            Ok((outcomes.collect::<Result<_>>()?, result.RebootRequired()?.as_bool()))
        }
    }
}

/// Whether Windows Update waits for a reboot.
pub fn reboot_required() -> Result<bool> {
    // SAFETY: COM is initialised on this thread.
    unsafe {
        let system: ISystemInformation = CoCreateInstance(&SystemInformation, None, CLSCTX_INPROC_SERVER)?;
        Ok(system.RebootRequired()?.as_bool())
    }
}

/// When updates were last looked for, and last installed, with success.
pub fn last() -> (Option<SystemTime>, Option<SystemTime>) {
    // SAFETY: COM is initialised on this thread.
    let results = unsafe {
        let automatic: Result<IAutomaticUpdates2> =
            CoCreateInstance(&AutomaticUpdates, None, CLSCTX_INPROC_SERVER);
        automatic.and_then(|automatic| automatic.Results())
    };
    let Ok(results) = results else { return (None, None) };
    // SAFETY: the object is owned here.
    unsafe { (date(results.LastSearchSuccessDate()), date(results.LastInstallationSuccessDate())) }
}

fn date(value: Result<VARIANT>) -> Option<SystemTime> {
    let value = value.ok()?;
    // SAFETY: the type says which member of the union holds.
    unsafe {
        let inner = &value.Anonymous.Anonymous;
        if inner.vt == VT_DATE { ole_time(inner.Anonymous.date) } else { None }
    }
}

/// What cannot be read of an update is left out.
fn read(update: &IUpdate) -> Update {
    let text = |text: Result<BSTR>| text.map(|text| text.to_string()).unwrap_or_default();
    let flag = |flag: Result<VARIANT_BOOL>| flag.is_ok_and(VARIANT_BOOL::as_bool);
    // SAFETY: all objects are owned here.
    unsafe {
        Update {
            title: text(update.Title()),
            kb_articles: articles(update),
            severity: text(update.MsrcSeverity()),
            description: text(update.Description()),
            bytes: update.MaxDownloadSize().map(|size| size.Anonymous2.Lo64).unwrap_or_default(),
            categories: categories(update),
            auto_select: flag(update.AutoSelectOnWebSites()),
            browse_only: update.cast::<IUpdate3>().is_ok_and(|update| flag(update.BrowseOnly())),
            asks_user: update.InstallationBehavior().is_ok_and(|how| flag(how.CanRequestUserInput())),
        }
    }
}

fn articles(update: &IUpdate) -> Vec<String> {
    // SAFETY: all objects are owned here.
    unsafe {
        let Ok(list) = update.KBArticleIDs() else { return Vec::new() };
        let count = list.Count().unwrap_or_default().min(MAX_PARTS);
        (0..count).filter_map(|at| list.get_Item(at).ok()).map(|text| text.to_string()).collect()
    }
}

fn categories(update: &IUpdate) -> Vec<String> {
    // SAFETY: all objects are owned here.
    unsafe {
        let Ok(list) = update.Categories() else { return Vec::new() };
        let count = list.Count().unwrap_or_default().min(MAX_PARTS);
        let each = (0..count).filter_map(|at| list.get_Item(at).and_then(|one| one.CategoryID()).ok());
        each.map(|text| text.to_string()).collect()
    }
}

fn past(entry: &IUpdateHistoryEntry) -> Past {
    let text = |text: Result<BSTR>| text.map(|text| text.to_string()).unwrap_or_default();
    // SAFETY: the object is owned here.
    unsafe {
        Past {
            title: text(entry.Title()),
            description: text(entry.Description()),
            time: entry.Date().ok().and_then(ole_time),
            operation: entry.Operation().map(|operation| operation.0).unwrap_or_default(),
            code: entry.ResultCode().map(|code| code.0).unwrap_or_default(),
            hresult: entry.HResult().unwrap_or_default(),
        }
    }
}
