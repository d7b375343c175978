//! Opens the user's browser at a URL, without a shell and without passing secrets to it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::sync::oneshot;
use url::{Host, Url};

use super::headless::{Lookup, is_wsl};
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::process::PRIVATE_VARIABLES;
use crate::text;

/// How long to watch a launcher for an immediate failure.
const WATCH: Duration = Duration::from_millis(700);

/// One way of opening a URL: a program with its arguments, and additions to its environment.
struct Launcher {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, Option<OsString>)>,
}

#[derive(Debug, Clone)]
enum Source {
    /// Commands, split into words.
    Commands(Vec<Vec<String>>),
    /// The desktop's default.
    Desktop { wsl: bool },
}

/// A browser, or several to be tried in order.
#[derive(Debug, Clone)]
pub struct Browser {
    source: Source,
    /// The environment variable that names it.
    variable: Option<&'static str>,
    folders: Vec<PathBuf>,
    hidden: Vec<String>,
    watch: Duration,
}

impl Browser {
    /// Parses the command of a browser: words, quoted if they contain spaces. `%s`
    /// in an argument stands for the URL; without it, the URL is the last argument. `path` is the value of
    /// `PATH`.
    ///
    /// # Errors
    ///
    /// Returns [`Usage`](crate::ErrorKind::Usage) if there is no word, a quote is not closed, or `%s` is
    /// used as the program.
    pub fn command(command: &str, path: Option<&OsStr>) -> Result<Self> {
        Ok(Self::new(Source::Commands(vec![words(command)?]), path))
    }

    /// Parses the alternatives of `BROWSER`, separated by `:` (`;` on Windows), each as in
    /// [`Browser::command`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Browser::command`] for any alternative, and an error if there is none.
    pub fn alternatives(value: &str, path: Option<&OsStr>) -> Result<Self> {
        let separator = if cfg!(windows) { ';' } else { ':' };
        let commands: Vec<_> = value
            .split(separator)
            .filter(|command| !command.trim().is_empty())
            .map(words)
            .collect::<Result<_>>()?;
        if commands.is_empty() {
            return Err(Error::usage("the list of browsers is empty"));
        }
        Ok(Self::new(Source::Commands(commands), path))
    }

    /// Returns the desktop's default browser.
    pub fn desktop(lookup: Lookup<'_>, path: Option<&OsStr>) -> Self {
        Self::new(Source::Desktop { wsl: is_wsl(lookup) }, path)
    }

    fn new(source: Source, path: Option<&OsStr>) -> Self {
        // An empty or relative entry would mean the current directory.
        let folders = path.map(|path| std::env::split_paths(path).filter(|p| p.is_absolute()));
        let folders = folders.map(Iterator::collect).unwrap_or_default();
        Self {
            source,
            variable: None,
            folders,
            hidden: PRIVATE_VARIABLES.map(str::to_owned).to_vec(),
            watch: WATCH,
        }
    }

    /// Sets the environment variable that names the browser, for errors.
    #[must_use]
    pub fn of_variable(mut self, name: &'static str) -> Self {
        self.variable = Some(name);
        self
    }

    /// Hides additional environment variables (those that hold client secrets) from the browser.
    #[must_use]
    pub fn hide(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.hidden.extend(names);
        self
    }

    /// Opens this URL, exactly as it is written, with the first launcher that does not fail immediately.
    ///
    /// # Errors
    ///
    /// Returns [`Validation`](crate::ErrorKind::Validation) for a URL that [`check_url`] refuses, without
    /// starting anything, and [`Unavailable`](crate::ErrorKind::Unavailable) if no launcher works, with the
    /// reason for each.
    pub async fn open(&self, url: &str) -> Result<Launched> {
        check_url(url)?;
        let mut failures = Vec::new();
        for launcher in self.launchers(url) {
            let name = self.name_of(&launcher);
            match self.launch(launcher).await {
                Ok(launched) => return Ok(launched),
                Err(why) => failures.push(format!("{name}: {why}")),
            }
        }
        let why = failures.join("; ");
        Err(Error::unavailable(format!("cannot start a browser ({why})"))
            .hint(Advice::ChooseBrowser))
    }

    /// Returns the program that would be started first, without starting it.
    ///
    /// # Errors
    ///
    /// Returns [`Unavailable`](crate::ErrorKind::Unavailable) if none of the launchers exists, with the reason for
    /// each.
    pub fn program(&self) -> Result<PathBuf> {
        let mut failures = Vec::new();
        for launcher in self.launchers("https://localhost/") {
            match self.find(&launcher.program) {
                Ok(program) if is_program(&program) => return Ok(program),
                found => {
                    let why = found.map_or_else(|why| why, |_| "not a program".to_owned());
                    let name = self.name_of(&launcher);
                    failures.push(format!("{name}: {why}"));
                }
            }
        }
        let why = failures.join("; ");
        Err(Error::unavailable(format!("no browser can be started ({why})"))
            .hint(Advice::ChooseBrowser))
    }

    /// Returns what an error calls a launcher.
    fn name_of(&self, launcher: &Launcher) -> String {
        let program = text::one_line(&launcher.program.to_string_lossy());
        match self.variable {
            Some(variable) => format!("{program} in {variable}"),
            None => program,
        }
    }

    fn launchers(&self, url: &str) -> Vec<Launcher> {
        match &self.source {
            Source::Commands(commands) => commands.iter().map(|c| from_words(c, url)).collect(),
            Source::Desktop { wsl } => {
                let view = [String::from("wslview")];
                let first = wsl.then(|| from_words(&view, url));
                first.into_iter().chain(open::commands(url).into_iter().map(from_command)).collect()
            }
        }
    }

    async fn launch(&self, launcher: Launcher) -> Result<Launched, String> {
        let program = self.find(&launcher.program)?;
        let mut command = Command::new(&program);
        command.args(&launcher.arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        for (name, value) in &launcher.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        for name in &self.hidden {
            command.env_remove(name);
        }
        // Ctrl-C is meant for this program, not for a browser that outlives it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let (sender, mut ended) = oneshot::channel();
        let reaper = std::thread::Builder::new().name("browser".to_owned());
        reaper
            .spawn(move || {
                if let Ok(status) = child.wait() {
                    // The receiver may be gone.
                    let _ = sender.send(status);
                }
            })
            .map_err(|error| error.to_string())?;
        let program = text::one_line(&program.to_string_lossy());
        match tokio::time::timeout(self.watch, &mut ended).await {
            Ok(Ok(status)) if !status.success() => Err(describe(status)),
            Ok(_) => Ok(Launched { program, ended: None }),
            Err(_) => Ok(Launched { program, ended: Some(ended) }),
        }
    }

    /// Returns the program's absolute path; a name is looked up in `PATH`, never in the current directory.
    fn find(&self, program: &OsStr) -> Result<PathBuf, String> {
        let path = Path::new(program);
        if path.is_absolute() {
            return Ok(path.to_owned());
        }
        if path.components().count() != 1 || path.file_name() != Some(program) {
            return Err("relative paths are not accepted; use an absolute path".to_owned());
        }
        let found = self.folders.iter().flat_map(|folder| {
            let plain = folder.join(path);
            let with_suffix = cfg!(windows).then(|| plain.with_extension("exe"));
            [Some(plain), with_suffix].into_iter().flatten()
        });
        let mut found = found.filter(|candidate| is_program(candidate));
        found.next().ok_or_else(|| "not found in PATH".to_owned())
    }
}

/// A launcher that was started.
#[derive(Debug)]
pub struct Launched {
    program: String,
    ended: Option<oneshot::Receiver<ExitStatus>>,
}

impl Launched {
    /// Returns the program that was started, sanitized for a terminal.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Waits until the launcher ends. Its success does not prove that a browser opened: `xdg-open`, or the
    /// program in `BROWSER`, may have done nothing.
    ///
    /// # Errors
    ///
    /// Returns how it failed. The next alternative is not tried then, because the page may be open after
    /// all.
    pub async fn ended(&mut self) -> Result<(), String> {
        if let Some(ended) = &mut self.ended {
            let status = ended.await;
            self.ended = None;
            if let Ok(status) = status
                && !status.success()
            {
                return Err(describe(status));
            }
        }
        Ok(())
    }
}

/// Checks that a URL may be passed to a launcher: `https`, or `http` to a loopback host; without user
/// information, and with only characters that are valid in a URI (RFC 3986).
///
/// # Errors
///
/// Returns [`Validation`](crate::ErrorKind::Validation) if it may not.
pub fn check_url(url: &str) -> Result<()> {
    let refuse = |why: &str| {
        Err(Error::validation(format!("cannot open the URL in a browser: {why}"))
            .hint("check the authorization endpoint in the configuration or the metadata"))
    };
    if !url.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b)) {
        return refuse("it contains an invalid character");
    }
    let Ok(parsed) = Url::parse(url) else { return refuse("it is not a URL") };
    let authority = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() {
        return refuse("it has no host");
    }
    if authority.contains('@') || !parsed.username().is_empty() || parsed.password().is_some() {
        return refuse("it contains user information");
    }
    let is_loopback = match parsed.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match parsed.scheme() {
        "https" => Ok(()),
        "http" if is_loopback => Ok(()),
        "http" => refuse("it uses plain http to another machine"),
        _ => refuse("it uses neither https nor http to this machine"),
    }
}

fn from_words(words: &[String], url: &str) -> Launcher {
    let (program, arguments) = words.split_first().map_or(("", words), |(p, a)| (p.as_str(), a));
    let has_place = arguments.iter().any(|argument| argument.contains("%s"));
    let mut arguments: Vec<OsString> =
        arguments.iter().map(|argument| argument.replace("%s", url).into()).collect();
    if !has_place {
        arguments.push(url.into());
    }
    Launcher { program: program.into(), arguments, environment: Vec::new() }
}

fn from_command(command: Command) -> Launcher {
    Launcher {
        program: command.get_program().to_owned(),
        arguments: command.get_args().map(OsStr::to_owned).collect(),
        environment: command
            .get_envs()
            .map(|(name, value)| (name.to_owned(), value.map(OsStr::to_owned)))
            .collect(),
    }
}

/// Splits a command into words. Quotes group, and on Unix a backslash escapes the next character; nothing
/// else is special.
fn words(command: &str) -> Result<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut rest = command.chars();
    while let Some(c) = rest.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) if cfg!(unix) => {
                word.get_or_insert_default().extend(rest.next());
            }
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    let shown = text::one_line(command);
    if quote.is_some() {
        return Err(Error::usage(format!("the browser command `{shown}` has an unclosed quote")));
    }
    match words.first() {
        None => Err(Error::usage("the browser command is empty")),
        Some(program) if program.is_empty() || program.contains("%s") => {
            let text = format!("the browser command `{shown}` does not begin with a program");
            Err(Error::usage(text).hint("use a command such as `firefox %s`"))
        }
        Some(_) => Ok(words),
    }
}

fn is_program(path: &Path) -> bool {
    let Ok(metadata) = std::fs::metadata(path) else { return false };
    #[cfg(unix)]
    let executable = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let executable = true;
    metadata.is_file() && executable
}

fn describe(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("it failed with code {code}"),
        None => "it was terminated by a signal".to_owned(),
    }
}

#[cfg(test)]
mod tests;
