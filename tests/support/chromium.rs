//! A real browser, controlled with its own protocol over pipes.

// Two test programs share it, and neither needs all of it.
#![allow(dead_code)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The longest that a page may take: a browser starts slowly on a machine that is busy.
const DEADLINE: Duration = Duration::from_secs(120);

/// A browser with one tab; ended when dropped.
pub struct Chromium {
    process: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    session: Option<String>,
    sent: u64,
    folder: tempfile::TempDir,
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Chromium {
    /// Starts one that reaches nothing but this machine.
    #[track_caller]
    pub fn start() -> Self {
        Self::start_behind("127.0.0.1:9")
    }

    /// Starts one whose requests to other machines go to this proxy.
    #[track_caller]
    pub fn start_behind(proxy: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        // Its pipes are descriptors 3 and 4.
        let mut process = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >&2", "chromium"])
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update"])
            .args(["--disable-sync", "--disable-default-apps", "--disable-extensions"])
            .args(["--remote-debugging-pipe", "--enable-logging=stderr"])
            .arg("--disable-features=NetworkTimeServiceQuerying,OptimizationHints,MediaRouter")
            .arg("--gaia-url=http://127.0.0.1:9")
            .arg("--component-updater=url-source=http://127.0.0.1:9")
            .arg(format!("--proxy-server=http://{proxy}"))
            .arg(format!("--user-data-dir={}", folder.path().display()))
            // Its own first page would ask its vendor.
            .arg("about:blank")
            .env("HOME", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let to = process.stdin.take().unwrap();
        let from = messages(process.stdout.take().unwrap());
        let mut browser = Self { process, to, from, session: None, sent: 0, folder };
        let target = browser.ask("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.ask("Target.attachToTarget", attach);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        browser
    }

    /// Goes to a URL, and waits for the page of this title.
    #[track_caller]
    pub fn open(&mut self, url: &str, title: &str) {
        self.ask("Page.navigate", json!({ "url": url }));
        self.await_page(title);
    }

    /// Clicks what this selector finds, where it is, and waits for another page of this title.
    #[track_caller]
    pub fn click(&mut self, selector: &str, title: &str) {
        let place = self.eval(&format!(
            "window.isOld = true; const element = document.querySelector({selector:?}); \
             element.scrollIntoView(); const box = element.getBoundingClientRect(); \
             ({{ x: box.x + box.width / 2, y: box.y + box.height / 2 }})"
        ));
        for event in ["mousePressed", "mouseReleased"] {
            let mut mouse = place.clone();
            mouse["type"] = event.into();
            mouse["button"] = "left".into();
            mouse["clickCount"] = 1.into();
            self.ask("Input.dispatchMouseEvent", mouse);
        }
        self.await_page(title);
    }

    /// Runs no script of the pages from now on, as a browser that has them switched off.
    #[track_caller]
    pub fn forbid_scripts(&mut self) {
        self.ask("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    }

    /// Types a text into the field that this selector finds.
    #[track_caller]
    pub fn fill(&mut self, selector: &str, text: &str) {
        let field = format!("document.querySelector({selector:?})");
        let text = json!(text);
        assert_eq!(self.eval(&format!("{field}.value = {text}; {field}.value")), text);
    }

    /// Fails if the page has an element that could run a script or load something.
    #[track_caller]
    pub fn is_only_text(&mut self) {
        const ACTIVE: &str =
            "script, img, iframe, object, embed, link, [onload], [onerror], [onclick]";
        let found = self
            .eval(&format!("[...document.querySelectorAll({ACTIVE:?})].map((e) => e.outerHTML)"));
        assert_eq!(found, json!([]));
        assert!(!self.log().contains("Content Security Policy"), "{}", self.log());
    }

    /// Checks the radio button that this selector finds.
    #[track_caller]
    pub fn choose(&mut self, selector: &str) {
        let checked = format!("document.querySelector({selector:?})");
        assert_eq!(self.eval(&format!("{checked}.click(); {checked}.checked")), true);
    }

    #[track_caller]
    fn await_page(&mut self, title: &str) {
        let ready = "!window.isOld && document.readyState === 'complete'";
        self.until(title, &format!("{ready} && document.title.includes({title:?})"));
    }

    /// Waits until this is true on the page.
    #[track_caller]
    pub fn until(&mut self, what: &str, condition: &str) {
        let end = Instant::now() + DEADLINE;
        while self.eval(condition) != true {
            let seen = || format!("instead of {what}");
            assert!(Instant::now() < end, "{} {}\n{}", self.text(), seen(), self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the page says.
    #[track_caller]
    pub fn text(&mut self) -> String {
        self.eval("document.body.innerText").as_str().unwrap_or_default().to_owned()
    }

    /// Where it is.
    #[track_caller]
    pub fn address(&mut self) -> String {
        self.eval("location.href").as_str().unwrap_or_default().to_owned()
    }

    /// What the browser complained of.
    pub fn log(&self) -> String {
        let raw = fs::read(self.folder.path().join("log")).unwrap();
        String::from_utf8_lossy(&raw).into_owned()
    }

    /// Fails if the page does not fit into a narrow or a wide window. Keeps pictures of it, in the light
    /// and in the dark, in the folder that `OAUTHCTL_TEST_PICTURES` names.
    #[track_caller]
    pub fn look(&mut self, name: &str) {
        let folder = std::env::var_os("OAUTHCTL_TEST_PICTURES");
        let before = self.eval("window.innerWidth");
        for (size, width) in [("narrow", 320), ("wide", 1280)] {
            let window =
                json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
            self.ask("Emulation.setDeviceMetricsOverride", window);
            self.await_width(&width.into());
            let wide = self.eval("document.documentElement.scrollWidth");
            assert!(wide.as_u64().is_some_and(|wide| wide <= width), "{size}: {wide} pixels");
            for scheme in ["light", "dark"] {
                let media = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
                self.ask("Emulation.setEmulatedMedia", json!({ "features": media }));
                let Some(folder) = &folder else { continue };
                let picture = self.ask("Page.captureScreenshot", json!({ "format": "png" }));
                let picture = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
                let path = std::path::Path::new(folder).join(format!("{name}-{size}-{scheme}.png"));
                fs::write(path, picture).unwrap();
            }
        }
        self.ask("Emulation.clearDeviceMetricsOverride", json!({}));
        self.await_width(&before);
    }

    /// The page hears later than the browser that its window is another: until then, what is clicked
    /// is elsewhere.
    #[track_caller]
    fn await_width(&mut self, width: &Value) {
        self.until("the window", &format!("window.innerWidth === {width}"));
    }

    /// The value of an expression on the page; null while there is none.
    #[track_caller]
    fn eval(&mut self, expression: &str) -> Value {
        let expression = format!("{{ {expression} }}");
        let asked = json!({ "expression": expression, "returnByValue": true });
        self.ask("Runtime.evaluate", asked)["result"]["value"].clone()
    }

    /// Sends a command, and waits for its result. One that fails because the page goes away is null.
    #[track_caller]
    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.sent += 1;
        let mut message = json!({ "id": self.sent, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        let end = Instant::now() + DEADLINE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(answer) = self.from.recv_timeout(left) else {
                panic!("no answer to {method}\n{}", self.log());
            };
            if answer["id"] == self.sent {
                return answer["result"].clone();
            }
        }
    }
}

/// What a browser says, message by message.
fn messages(from: impl std::io::Read + Send + 'static) -> Receiver<Value> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for message in BufReader::new(from).split(0).map_while(Result::ok) {
            let Ok(message) = serde_json::from_slice(&message) else { break };
            if sender.send(message).is_err() {
                break;
            }
        }
    });
    receiver
}
