//! A home of the test's own: nothing of the user who runs the tests is read or written.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::browser::Browser;
use super::process::{DEADLINE, Output, Running};
use super::secret_service::SecretService;

/// A temporary directory with everything that the program can reach by its environment, and that
/// environment. The store is `file` until a test says otherwise.
pub struct Home {
    dir: TempDir,
    env: Vec<(OsString, OsString)>,
    deadline: Duration,
    browsers: u32,
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    pub fn new() -> Self {
        let mut home = Self {
            dir: TempDir::with_prefix("oauthctl-").unwrap(),
            env: Vec::new(),
            deadline: DEADLINE,
            browsers: 0,
        };
        for (name, below) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_STATE_HOME", "xdg-state"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_RUNTIME_DIR", "run"),
            ("TMPDIR", "tmp"),
        ] {
            let path = home.path(below);
            private_dir(&path);
            home.set(name, path);
        }
        private_dir(&home.path("config/oauthctl"));
        home.set("OAUTHCTL_CONFIG", home.config_path());
        home.set("OAUTHCTL_STATE_DIR", home.state_dir());
        home.set("OAUTHCTL_STORE", "file");
        home.set("LANG", "C.UTF-8");
        home.set("PATH", std::env::var_os("PATH").unwrap_or_default());
        home
    }

    /// A path in the home.
    pub fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    pub fn config_path(&self) -> PathBuf {
        self.path("config/oauthctl/config.toml")
    }

    pub fn state_dir(&self) -> PathBuf {
        self.path("state")
    }

    /// Sets a variable of the program's environment.
    pub fn set(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.unset(name.as_ref());
        self.env.push((name.as_ref().into(), value.as_ref().into()));
        self
    }

    /// Removes one.
    pub fn unset(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        self.env.retain(|(known, _)| known != name.as_ref());
        self
    }

    /// Kills what takes longer.
    pub fn deadline(&mut self, deadline: Duration) -> &mut Self {
        self.deadline = deadline;
        self
    }

    /// Uses the keyring store on this Secret Service.
    pub fn keyring(&mut self, service: &SecretService) -> &mut Self {
        self.set("OAUTHCTL_STORE", "keyring");
        self.set("DBUS_SESSION_BUS_ADDRESS", &service.address)
    }

    /// Writes the configuration, private to its owner.
    pub fn config(&self, toml: &str) -> &Self {
        self.write(&self.config_path(), toml);
        self
    }

    /// Adds a profile to the configuration; `more` is further lines of its table.
    pub fn profile(&self, name: &str, issuer: &str, client_id: &str, more: &str) -> &Self {
        let before = fs::read_to_string(self.config_path()).unwrap_or_default();
        self.config(&format!(
            "{before}\n[profiles.{name}]\nissuer = {issuer:?}\nclient_id = {client_id:?}\n{more}\n"
        ))
    }

    /// Writes a file with mode 0600.
    pub fn write(&self, path: &Path, text: &str) {
        use std::io::Write;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).unwrap();
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// Makes the scripted browser the program's, with this mode: see `browser.mjs`.
    pub fn browser(&mut self, mode: &Value) -> Browser {
        // A folder each: an earlier browser may still be about.
        self.browsers += 1;
        let browser = Browser::new(&self.path(&format!("browser/{}", self.browsers)), mode);
        self.set("BROWSER", browser.command());
        browser
    }

    /// The program with this home's environment, ready to be changed and started.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(program());
        command
            .args(args)
            .env_clear()
            .envs(self.env.iter().cloned())
            .current_dir(self.path("home"));
        command
    }

    /// Another program with this home's environment.
    pub fn tool(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.env.iter().cloned()).current_dir(self.path("home"));
        command
    }

    /// The program with this home's environment, started by another one such as `nohup`.
    pub fn command_through(&self, wrapper: &[&str], args: &[&str]) -> Command {
        let program = self.command(args);
        let mut command = Command::new(wrapper[0]);
        command
            .args(&wrapper[1..])
            .arg(program.get_program())
            .args(program.get_args())
            .env_clear()
            .envs(self.env.iter().cloned())
            .current_dir(self.path("home"));
        command
    }

    /// Starts the program through a wrapper.
    #[track_caller]
    pub fn spawn_through(&self, wrapper: &[&str], args: &[&str]) -> Running {
        Running::start(&mut self.command_through(wrapper, args), self.deadline)
    }

    /// Runs the program to its end through a wrapper such as `prlimit`, with an empty stdin.
    #[track_caller]
    pub fn run_through(&self, wrapper: &[&str], args: &[&str]) -> Output {
        self.spawn_through(wrapper, args).wait()
    }

    /// Starts the program.
    #[track_caller]
    pub fn spawn<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Running {
        Running::start(&mut self.command(args), self.deadline)
    }

    /// Runs the program to its end, with an empty stdin.
    #[track_caller]
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        self.spawn(args).wait()
    }

    /// Runs the program with this on stdin.
    #[track_caller]
    pub fn run_with<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
        stdin: &str,
    ) -> Output {
        let mut running = self.spawn(args);
        running.feed(stdin);
        running.wait()
    }

    /// Runs the program `count` times at once.
    #[track_caller]
    pub fn run_many(&self, count: usize, args: &[&str]) -> Vec<Output> {
        let all: Vec<Running> = (0..count).map(|_| self.spawn(args)).collect();
        all.into_iter().map(Running::wait).collect()
    }

    /// Logs in through an honest browser.
    #[track_caller]
    pub fn login(&mut self, profile: &str) -> Output {
        self.browser(&serde_json::json!({ "mode": "honest" }));
        self.run(["login", profile]).ok()
    }

    /// Every regular file of the home, without the scripted browsers' notes.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut dirs = vec![self.root().to_path_buf()];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(&dir).unwrap().map(Result::unwrap) {
                let (path, kind) = (entry.path(), entry.file_type().unwrap());
                if kind.is_dir() && path != self.path("browser") {
                    dirs.push(path);
                } else if kind.is_file() {
                    files.push(path);
                }
            }
        }
        files
    }

    /// Fails if a file or directory that the program made is open to others.
    #[track_caller]
    pub fn assert_private(&self) {
        for file in self.files() {
            for path in file.ancestors().take_while(|path| *path != self.root()) {
                let mode = fs::metadata(path).unwrap().permissions().mode() & 0o777;
                let expected = if path.is_dir() { 0o700 } else { 0o600 };
                assert_eq!(mode, expected, "mode of {} is {mode:o}", path.display());
            }
        }
    }
}

fn private_dir(path: &Path) {
    fs::create_dir_all(path).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
}

/// The program under test: the one that cargo has just built, or the one that
/// `OAUTHCTL_TEST_PROGRAM` names.
pub fn program() -> PathBuf {
    let named = std::env::var_os("OAUTHCTL_TEST_PROGRAM");
    named.map_or_else(|| env!("CARGO_BIN_EXE_oauthctl").into(), PathBuf::from)
}
