//! The store on a disk that loses what was not synced, stopped at every step.

use super::disk::Disk;
use super::store::{Entry, INTERRUPTED, Store, Written};
use infiniservice_protocol::data::{ScriptInfo, ScriptState};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

const NOW: &str = "2026-11-23T06:00:00.000Z";

/// What a crash makes of a file that was not synced.
#[derive(Clone, Copy, Debug)]
enum Loss {
    /// Everything since the last sync is gone.
    All,
    /// Nothing is.
    Nothing,
    /// Names are there, and what is in the files is not.
    Torn,
}

#[derive(Clone, Debug, Default)]
struct Platter {
    /// Content by its own number, with how much of it survives.
    files: BTreeMap<usize, (Vec<u8>, bool)>,
    names: BTreeMap<String, usize>,
    synced: BTreeMap<String, usize>,
    steps: usize,
    /// So many steps are made.
    most: usize,
}

#[derive(Clone, Debug, Default)]
struct Simulated(Rc<RefCell<Platter>>);

impl Simulated {
    fn stopping_after(most: usize) -> Self {
        Self(Rc::new(RefCell::new(Platter { most, ..Platter::default() })))
    }

    fn step(&self) -> io::Result<()> {
        let mut platter = self.0.borrow_mut();
        if platter.steps >= platter.most {
            return Err(io::Error::other("the machine stands still"));
        }
        platter.steps += 1;
        Ok(())
    }

    /// The disk as the next start finds it.
    fn after_crash(&self, loss: Loss) -> Self {
        let mut platter = self.0.borrow().clone();
        match loss {
            Loss::All => platter.names = platter.synced.clone(),
            Loss::Nothing => {}
            Loss::Torn => {
                for (bytes, safe) in platter.files.values_mut() {
                    let kept = if *safe { bytes.len() } else { bytes.len() / 2 };
                    bytes.truncate(kept);
                }
            }
        }
        platter.synced = platter.names.clone();
        platter.most = usize::MAX;
        Self(Rc::new(RefCell::new(platter)))
    }
}

impl Disk for Simulated {
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let platter = self.0.borrow();
        Ok(platter
            .names
            .iter()
            .map(|(name, file)| (name.clone(), platter.files[file].0.len() as u64))
            .collect())
    }

    fn read(&self, name: &str, most: u64) -> io::Result<Vec<u8>> {
        let platter = self.0.borrow();
        let file = platter.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        let bytes = &platter.files[file].0;
        Ok(bytes[..bytes.len().min(usize::try_from(most).unwrap())].to_vec())
    }

    fn write(&mut self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        self.step()?;
        let mut platter = self.0.borrow_mut();
        let number = platter.files.len();
        platter.files.insert(number, (parts.concat(), false));
        platter.names.insert(name.to_owned(), number);
        Ok(())
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.step()?;
        let mut platter = self.0.borrow_mut();
        let file = platter.names[name];
        platter.files.get_mut(&file).unwrap().1 = true;
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.step()?;
        let mut platter = self.0.borrow_mut();
        let file = platter.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        platter.names.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.step()?;
        self.0.borrow_mut().names.remove(name).map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_names(&mut self) -> io::Result<()> {
        self.step()?;
        let mut platter = self.0.borrow_mut();
        platter.synced = platter.names.clone();
        Ok(())
    }
}

/// What somebody outside saw of one life of the store.
#[derive(Debug, Default)]
struct Seen {
    taken: Vec<String>,
    began: Vec<String>,
    told: Vec<String>,
    forgotten: Vec<String>,
}

fn info(id: &str) -> ScriptInfo {
    ScriptInfo { execution_id: id.into(), shell: "sh".into(), ..ScriptInfo::default() }
}

/// Two scripts are taken, run, told and forgotten, until the disk stands still.
fn live(disk: Simulated, seen: &mut Seen) -> io::Result<()> {
    let (mut store, entries) = Store::open(disk, NOW)?;
    assert!(entries.is_empty());
    let ids = ["a", "b"];
    let numbers = ids.map(|id| store.add(&info(id), &format!("echo {id}")));
    store.settle()?;
    seen.taken.extend(ids.map(str::to_owned));
    for (id, number) in ids.into_iter().zip(numbers) {
        let number = number?;
        assert_eq!(store.start(number)?, format!("echo {id}"));
        seen.began.push(id.into());
        let written = Written { stdout: id.into(), ..Written::default() };
        let ended = ScriptInfo { state: ScriptState::Ended, exit_code: Some(0), ..info(id) };
        store.end(number, &ended, &written)?;
        seen.told.push(id.into());
        store.forget(number)?;
        seen.forgotten.push(id.into());
    }
    Ok(())
}

fn entry<'a>(entries: &'a [Entry], id: &str) -> Option<&'a Entry> {
    entries.iter().find(|entry| entry.info.execution_id == id)
}

#[test]
fn wherever_a_crash_comes_no_script_is_lost_and_none_runs_twice() {
    let whole = Simulated::stopping_after(usize::MAX);
    live(whole.clone(), &mut Seen::default()).unwrap();
    let steps = whole.0.borrow().steps;
    assert!(steps > 20, "{steps}");
    for most in 0..=steps {
        for loss in [Loss::All, Loss::Nothing, Loss::Torn] {
            let (disk, mut seen) = (Simulated::stopping_after(most), Seen::default());
            let _ = live(disk.clone(), &mut seen);
            let (store, entries) = Store::open(disk.after_crash(loss), NOW).unwrap();
            let case = format!("after {most} steps, {loss:?}: {seen:?} {entries:?}");
            for id in ["a", "b"].map(str::to_owned) {
                let found = entry(&entries, &id);
                let was = |list: &[String]| list.contains(&id);
                if was(&seen.taken) && !was(&seen.told) {
                    assert!(found.is_some(), "lost {case}");
                }
                if was(&seen.began) {
                    assert!(found.is_none_or(|entry| entry.info.state == ScriptState::Ended), "twice {case}");
                }
                let kept = found.filter(|_| was(&seen.told) && !was(&seen.forgotten));
                if let Some(kept) = kept {
                    assert_eq!(store.written(kept.number).unwrap().stdout, id, "{case}");
                }
                if let Some(entry) = found.filter(|entry| entry.info.exit_code != Some(0)) {
                    let interrupted = entry.info.error.as_deref() == Some(INTERRUPTED);
                    assert_eq!(interrupted, entry.info.state == ScriptState::Ended, "{case}");
                }
            }
        }
    }
}

#[test]
fn the_order_and_the_numbers_go_on_after_a_restart() {
    let disk = Simulated::stopping_after(usize::MAX);
    let (mut store, _) = Store::open(disk.clone(), NOW).unwrap();
    for id in ["a", "b", "c"] {
        store.add(&info(id), "id").unwrap();
    }
    store.settle().unwrap();
    let (mut store, entries) = Store::open(disk.after_crash(Loss::All), NOW).unwrap();
    let ids: Vec<_> = entries.iter().map(|entry| entry.info.execution_id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert!(store.add(&info("d"), "id").unwrap() > entries[2].number);
}

#[test]
fn number_and_size_of_what_is_kept_are_bounded_and_room_comes_back() {
    let (mut store, _) = Store::open(Simulated::stopping_after(usize::MAX), NOW).unwrap();
    let numbers: Vec<_> = (0..256).map(|n| store.add(&info(&n.to_string()), "id").unwrap()).collect();
    assert!(store.add(&info("x"), "id").unwrap_err().to_string().contains("256 scripts"));
    store.forget(numbers[0]).unwrap();
    store.add(&info("x"), "id").unwrap();
    let (mut store, _) = Store::open(Simulated::stopping_after(usize::MAX), NOW).unwrap();
    let large = "x".repeat(16 << 20);
    for n in 0..3 {
        store.add(&info(&n.to_string()), &large).unwrap();
    }
    assert!(store.add(&info("x"), &large).unwrap_err().to_string().contains("bytes"));
}

#[test]
fn a_file_that_is_none_of_ours_or_cannot_be_read_stops_nobody() {
    let mut disk = Simulated::stopping_after(usize::MAX);
    disk.write("0000000000000007.waiting", &[b"no json"]).unwrap();
    disk.write("what is this", &[b""]).unwrap();
    let (mut store, entries) = Store::open(disk.clone(), NOW).unwrap();
    assert!(entries.is_empty() && disk.list().unwrap().is_empty());
    assert_eq!(store.add(&info("a"), "id").unwrap(), 8);
}
