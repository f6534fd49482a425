//! Headless Chromium, driven through WebDriver.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use libtest_mimic::Failed;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::Checked;

/// WebDriver's names of keys (W3C WebDriver §17.4.2).
pub(super) const TAB: char = '\u{e004}';
/// As [`TAB`].
pub(super) const ENTER: char = '\u{e007}';

/// How wide the page is.
#[derive(Clone, Copy)]
pub(super) enum Width {
    /// A window on a desk.
    Desk,
    /// 360 CSS pixels, with touch.
    Phone,
}

/// Debian's name, and others that the browser goes by.
const BROWSER: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
const DRIVER: [&str; 1] = ["chromedriver"];

/// The program that is missing, if one is.
pub(super) fn missing() -> Option<&'static str> {
    [&BROWSER[..], &DRIVER]
        .into_iter()
        .find(|names| find(names).is_none())
        .map(|names| names[0])
}

fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    names.iter().find_map(|name| {
        std::env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(|file| file.is_file())
    })
}

/// One browser with one window. Its driver goes with it.
pub(super) struct Browser {
    pub(super) client: Client,
    driver: Child,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub(super) async fn open(width: Width) -> Checked<Self> {
        let program = find(&BROWSER).ok_or("chromium is missing: run ci/setup")?;
        let profile = tempfile::tempdir()?;
        let (driver, port) = start_driver().await?;
        let mut arguments = vec![
            "--headless=new".to_owned(),
            // The tests may run as root, in a container; the page is the device's own.
            "--no-sandbox".into(),
            "--disable-dev-shm-usage".into(),
            "--disable-gpu".into(),
            "--no-first-run".into(),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let mut options = serde_json::json!({ "binary": program });
        match width {
            Width::Desk => arguments.push("--window-size=1200,900".into()),
            Width::Phone => {
                options["mobileEmulation"] = serde_json::json!({
                    "deviceMetrics": { "width": 360, "height": 740, "pixelRatio": 2.0, "touch": true, "mobile": true }
                });
            }
        }
        options["args"] = arguments.into();
        let mut wanted = Capabilities::new();
        wanted.insert("goog:chromeOptions".into(), options);
        wanted.insert(
            "goog:loggingPrefs".into(),
            serde_json::json!({ "browser": "ALL" }),
        );
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(wanted)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await?;
        Ok(Self {
            client,
            driver,
            _profile: profile,
        })
    }

    /// Presses a key, and lets it go.
    pub(super) async fn press(&self, key: char) -> Checked {
        let keys = KeyActions::new("keyboard".into())
            .then(KeyAction::Down { value: key })
            .then(KeyAction::Up { value: key });
        self.client.perform_actions(keys).await?;
        Ok(())
    }

    /// Waits until the page at `url` has been loaded anew.
    pub(super) async fn settled(&self, url: &str) -> Checked {
        let script = "const done = arguments[0];\
            if (document.readyState === 'complete') done(true); else addEventListener('load', () => done(true));";
        // Navigation that a key started may not have begun: the script is lost with the old page, and asked again.
        let until = tokio::time::Instant::now() + Duration::from_secs(10);
        while tokio::time::Instant::now() < until {
            let loaded = self.client.execute_async(script, Vec::new()).await;
            if loaded.is_ok() && self.client.current_url().await?.as_str() == url {
                return Ok(());
            }
        }
        Err(Failed::from("the page is not loaded again"))
    }

    /// What the browser's console has at the level of an error.
    pub(super) async fn console_errors(&self) -> Checked<Vec<String>> {
        let entries = self.client.issue_cmd(BrowserLog).await?;
        let entries = entries.as_array().cloned().unwrap_or_default();
        Ok(entries
            .iter()
            .filter(|entry| entry["level"] == "SEVERE")
            .map(ToString::to_string)
            .collect())
    }

    pub(super) async fn close(mut self) {
        // A window that is gone already is as good as closed; the driver ends either way.
        let _ = self.client.close().await;
        let _ = self.driver.kill().await;
    }
}

async fn start_driver() -> Checked<(Child, u16)> {
    let mut driver = Command::new(DRIVER[0])
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let output = driver.stdout.take().ok_or("the driver has no output")?;
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await? {
        // "ChromeDriver was started successfully on port 39287."
        let port = line.strip_prefix("ChromeDriver was started successfully on port ");
        if let Some(port) = port.and_then(|rest| rest.trim_end_matches('.').parse().ok()) {
            // A driver whose output nobody reads would stop at a full pipe.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok((driver, port));
        }
    }
    Err(Failed::from("the driver ended without a port"))
}

/// ChromeDriver's command for the browser's console.
#[derive(Debug)]
struct BrowserLog;

impl WebDriverCompatibleCommand for BrowserLog {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(r#"{"type":"browser"}"#.into()))
    }
}
