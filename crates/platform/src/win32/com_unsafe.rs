//! COM on threads of its own: whoever asks waits only as long as his time allows, and a call that hangs holds nobody else up. And
//! WMI's queries and methods, for these threads.
#![allow(unsafe_code)]

use super::record::{Record, Value};
use super::wide::wide;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::oneshot;
use windows::Win32::System::Com::{
    CLSCTX_INPROC_SERVER, COINIT_MULTITHREADED, CoCreateInstance, CoInitializeEx, CoSetProxyBlanket,
    CoUninitialize, EOAC_NONE, RPC_C_AUTHN_LEVEL_CALL, RPC_C_IMP_LEVEL_IMPERSONATE,
};
use windows::Win32::System::Variant::{
    VARIANT, VT_BOOL, VT_BSTR, VT_I1, VT_I2, VT_I4, VT_R8, VT_UI1, VT_UI2, VT_UI4,
};
use windows::Win32::System::Wmi::{
    IEnumWbemClassObject, IWbemClassObject, IWbemLocator, IWbemServices, WBEM_FLAG_FORWARD_ONLY,
    WBEM_FLAG_RETURN_IMMEDIATELY, WBEM_FLAG_RETURN_WBEM_COMPLETE, WbemLocator,
};
use windows::core::{BSTR, PCWSTR, Result};

/// Threads that may be out at one time: more only pile up behind something that hangs.
const MAX_OUT: usize = 6;

static OUT: AtomicUsize = AtomicUsize::new(0);

struct Place;

impl Place {
    fn take() -> Option<Self> {
        let taken =
            OUT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |out| (out < MAX_OUT).then_some(out + 1));
        taken.ok().map(|_| Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        OUT.fetch_sub(1, Ordering::Relaxed);
    }
}

/// COM for this thread, as long as it lives.
struct Com;

impl Com {
    fn start() -> Result<Self> {
        // SAFETY: the thread is new, and nothing of it uses COM yet.
        unsafe { CoInitializeEx(None, COINIT_MULTITHREADED) }.ok().map(|()| Self)
    }
}

impl Drop for Com {
    fn drop(&mut self) {
        // SAFETY: initialised on this very thread, whose work is done.
        unsafe { CoUninitialize() };
    }
}

/// Runs `work` in a thread with COM whose answer is looked for later; `None` where too many are out already.
pub fn in_background<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Option<std::sync::mpsc::Receiver<Result<T>>> {
    let place = Place::take()?;
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    let started = std::thread::Builder::new().name(what.into()).spawn(move || {
        let _ = tell.send(Com::start().and_then(|_com| work()));
        drop(place);
    });
    started.ok().map(|_| told)
}

/// Why nobody answers from a thread with COM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAsked {
    /// Too many threads are out.
    #[error("too many earlier requests are still unanswered")]
    TooMany,
    /// Windows gave no thread.
    #[error("Windows did not start a thread")]
    NoThread,
}

/// Runs `work` in a thread with COM, and gives the end of the channel on which its answer comes. Where whoever asked has no
/// time left, the thread is left to end by itself.
pub fn on_thread<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> std::result::Result<oneshot::Receiver<Result<T>>, NotAsked> {
    let place = Place::take().ok_or(NotAsked::TooMany)?;
    let (tell, told) = oneshot::channel();
    let thread = std::thread::Builder::new().name(what.into());
    let started = thread.spawn(move || {
        let done = Com::start().and_then(|_com| work());
        // Whoever asked may have given up since.
        let _ = tell.send(done);
        drop(place);
    });
    started.map(|_| told).map_err(|_| NotAsked::NoThread)
}

/// `RPC_C_AUTHN_WINNT`, `RPC_C_AUTHZ_NONE`.
const AUTHENTICATION: u32 = 10;
const AUTHORISATION: u32 = 0;
/// Objects read of one answer.
const MAX_OBJECTS: usize = 1000;
/// How long one object may be waited for, in milliseconds: the thread is to end some day.
const TIMEOUT_MS: i32 = 600_000;

/// A namespace of this machine.
pub struct Wmi(IWbemServices);

impl Wmi {
    /// `root\cimv2` and its like.
    pub fn connect(namespace: &str) -> Result<Self> {
        // SAFETY: COM is initialised on this thread; all arguments are owned here.
        unsafe {
            let locator: IWbemLocator = CoCreateInstance(&WbemLocator, None, CLSCTX_INPROC_SERVER)?;
            let none = BSTR::new();
            let services =
                locator.ConnectServer(&BSTR::from(namespace), &none, &none, &none, 0, &none, None)?;
            // Wine has no proxy to set it on.
            let _ = CoSetProxyBlanket(
                &services,
                AUTHENTICATION,
                AUTHORISATION,
                PCWSTR::null(),
                RPC_C_AUTHN_LEVEL_CALL,
                RPC_C_IMP_LEVEL_IMPERSONATE,
                None,
                EOAC_NONE,
            );
            Ok(Self(services))
        }
    }

    /// These properties of all objects of a class.
    pub fn all(&self, class: &str, properties: &[&str]) -> Result<Vec<Record>> {
        let query = format!("SELECT {} FROM {class}", properties.join(","));
        let flags = WBEM_FLAG_FORWARD_ONLY | WBEM_FLAG_RETURN_IMMEDIATELY;
        // SAFETY: all arguments are owned here.
        let answer = unsafe { self.0.ExecQuery(&BSTR::from("WQL"), &BSTR::from(query), flags, None) }?;
        let mut all = Vec::new();
        while all.len() < MAX_OBJECTS
            && let Some(object) = next(&answer)?
        {
            all.push(read(&object, properties));
        }
        Ok(all)
    }

    /// Calls a static method with small numbers; its `ReturnValue`.
    pub fn call(&self, class: &str, method: &str, arguments: &[(&str, u8)]) -> Result<u64> {
        let (mut definition, mut signature, mut answer) = (None, None, None);
        let name = wide(method);
        // SAFETY: all arguments are owned here and outlive the calls.
        unsafe {
            let class = BSTR::from(class);
            let wait = WBEM_FLAG_RETURN_WBEM_COMPLETE;
            self.0.GetObject(&class, wait, None, Some(&raw mut definition), None)?;
            let definition = definition.ok_or_else(windows::core::Error::empty)?;
            definition.GetMethod(PCWSTR(name.as_ptr()), 0, &raw mut signature, std::ptr::null_mut())?;
            let input =
                signature.map(|signature: IWbemClassObject| signature.SpawnInstance(0)).transpose()?;
            for (argument, value) in arguments {
                let (argument, value) = (wide(argument), VARIANT::from(*value));
                if let Some(input) = &input {
                    input.Put(PCWSTR(argument.as_ptr()), 0, &raw const value, 0)?;
                }
            }
            self.0.ExecMethod(
                &class,
                &BSTR::from(method),
                wait,
                None,
                input.as_ref(),
                Some(&raw mut answer),
                None,
            )?;
        }
        let returned = answer.map(|answer| read(&answer, &["ReturnValue"]));
        Ok(returned.and_then(|record| record.number("ReturnValue")).unwrap_or_default())
    }
}

fn next(answer: &IEnumWbemClassObject) -> Result<Option<IWbemClassObject>> {
    let (mut objects, mut count) = ([None], 0);
    // SAFETY: room for one object, and a counter, both ours.
    let code = unsafe { answer.Next(TIMEOUT_MS, &mut objects, &raw mut count) };
    code.ok()?;
    Ok(objects.into_iter().next().flatten())
}

fn read(object: &IWbemClassObject, properties: &[&str]) -> Record {
    let value = |name: &str| {
        let (name, mut value) = (wide(name), VARIANT::default());
        // SAFETY: the name ends with a zero; the value is ours.
        let got = unsafe { object.Get(PCWSTR(name.as_ptr()), 0, &raw mut value, None, None) };
        got.map_or(Value::Nothing, |()| self::value(&value))
    };
    Record(properties.iter().map(|name| ((*name).to_owned(), value(name))).collect())
}

/// What a variant holds.
pub fn value(variant: &VARIANT) -> Value {
    // SAFETY: the type says which member of the union holds.
    unsafe {
        let inner = &variant.Anonymous.Anonymous;
        let held = &inner.Anonymous;
        match inner.vt {
            VT_BSTR => Value::Text(held.bstrVal.to_string()),
            VT_BOOL => Value::Flag(held.boolVal.0 != 0),
            VT_I4 => Value::Number(held.lVal.into()),
            VT_UI4 => Value::Number(held.ulVal.into()),
            VT_I2 => Value::Number(held.iVal.into()),
            VT_UI2 => Value::Number(held.uiVal.into()),
            VT_I1 => Value::Number(held.cVal.into()),
            VT_UI1 => Value::Number(held.bVal.into()),
            VT_R8 => Value::Number(held.dblVal as i64),
            _ => Value::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::win32::com_unsafe::on_thread;

    #[tokio::test]
    async fn a_real_query_is_answered_and_an_absent_namespace_is_told_by_its_code() {
        let asked = on_thread("wmi", || {
            Wmi::connect(r"root\cimv2")?.all("Win32_OperatingSystem", &["Caption", "Version"])
        });
        let records = asked.unwrap().await.unwrap().unwrap();
        assert!(records[0].text("Caption").contains("Windows"), "{records:?}");
        assert!(!records[0].text("Version").is_empty(), "{records:?}");
        let asked = on_thread("wmi", || Wmi::connect(r"root\no\such").map(|_| ()));
        let error = asked.unwrap().await.unwrap().unwrap_err();
        assert_eq!(error.code().0.cast_unsigned(), 0x8004_100E);
    }
}
