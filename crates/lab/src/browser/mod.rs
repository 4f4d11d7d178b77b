//! A real browser without a window, for pages: Chromium, driven by its own protocol over two pipes.
//!
//! It opens no port, and what it keeps is in a temporary directory. Keys that are pressed go the way of real ones.

mod keys;
mod pipe;

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::packages;
use pipe::Pipe;

/// How long a page may take until it is as expected, on a busy host.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the page is shown on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Whether the person prefers dark colours.
    pub dark: bool,
}

/// A browser with one page.
#[derive(Debug)]
pub struct Browser {
    pipe: Pipe,
    session: String,
    /// Its profile; dropped after the browser has ended.
    _profile: TempDir,
}

impl Browser {
    /// Starts Chromium, which is installed where it is missing.
    pub fn start() -> Result<Self> {
        packages::ensure(packages::BROWSER)?;
        let profile = tempfile::Builder::new().prefix("infiniservice-browser-").tempdir()?;
        let mut pipe = Pipe::start(profile.path())?;
        let target = pipe.call(None, "Target.createTarget", &json!({ "url": "about:blank" }))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = pipe.call(None, "Target.attachToTarget", &attach)?["sessionId"].clone();
        let session = session.as_str().context("the browser attached no session")?.to_owned();
        let mut browser = Self { pipe, session, _profile: profile };
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), &json!({}))?;
        }
        Ok(browser)
    }

    fn call(&mut self, method: &str, parameters: &Value) -> Result<Value> {
        self.pipe.call(Some(&self.session), method, parameters)
    }

    /// Shows the page on another screen.
    pub fn screen(&mut self, screen: Screen) -> Result<()> {
        let Screen { width, height, dark } = screen;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", &metrics)?;
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", &json!({ "features": features })).map(drop)
    }

    /// Goes to an address.
    pub fn go(&mut self, url: &str) -> Result<()> {
        let went = self.call("Page.navigate", &json!({ "url": url }))?;
        ensure!(went["errorText"].is_null(), "{url}: {}", went["errorText"]);
        self.wait_for("document.readyState === 'complete'")
    }

    /// The value of an expression in the page.
    pub fn value(&mut self, expression: &str) -> Result<Value> {
        let evaluate = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.call("Runtime.evaluate", &evaluate)?;
        ensure!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        Ok(answer["result"]["value"].take())
    }

    /// The same, as a text.
    pub fn text(&mut self, expression: &str) -> Result<String> {
        let value = self.value(expression)?;
        value.as_str().map(str::to_owned).with_context(|| format!("{expression} is no text: {value}"))
    }

    /// Waits until an expression in the page is true.
    pub fn wait_for(&mut self, expression: &str) -> Result<()> {
        let looks = format!(
            "new Promise(done => {{ const end = Date.now() + {}; const look = () => {{ if ({expression}) done(true); \
             else if (Date.now() > end) done(false); else setTimeout(look, 20); }}; look(); }})",
            PATIENCE.as_millis()
        );
        let came = self.value(&looks)?;
        ensure!(came == true, "never true on the page: {expression}");
        Ok(())
    }

    /// Presses a key and lets it go: a character, or the name of another key, such as `Enter`.
    pub fn press(&mut self, key: &str) -> Result<()> {
        for event in keys::events(key)? {
            self.call("Input.dispatchKeyEvent", &event)?;
        }
        Ok(())
    }

    /// Types a text.
    pub fn type_text(&mut self, text: &str) -> Result<()> {
        self.call("Input.insertText", &json!({ "text": text })).map(drop)
    }

    /// What is seen, as a PNG.
    pub fn screenshot(&mut self, path: &Path) -> Result<()> {
        let shot = self.call("Page.captureScreenshot", &json!({ "format": "png" }))?;
        let png = BASE64_STANDARD.decode(shot["data"].as_str().unwrap_or_default())?;
        fs::write(path, png).with_context(|| path.display().to_string())
    }

    /// What went wrong in the page so far: exceptions, what the browser refused to do, dialogues that a script opened.
    pub fn problems(&mut self) -> Result<Vec<String>> {
        // Whatever is on its way comes before the answer to this.
        self.value("1")?;
        Ok(self.pipe.problems.clone())
    }
}
