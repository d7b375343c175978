use super::*;

const URL: &str = "https://as.example/authorize?scope=a%20b&x=%27$(id);&y='z";

#[test]
fn only_a_harmless_url_reaches_a_launcher() {
    for url in [
        "https://as.example/authorize?a=%2F&b=c%20d",
        "https://as.example:8443/a;b=c/(d)'e'?x=[1]",
        "http://127.0.0.1:8080/authorize",
        "http://[::1]:8080/authorize?x",
        "http://localhost/authorize",
        "HTTPS://AS.example/",
    ] {
        assert!(check_url(url).is_ok(), "{url}");
    }
    for url in [
        "",
        "-https://as.example/",
        "--help",
        "http://as.example/authorize",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
        "http://0.0.0.0/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,x",
        "ssh://as.example/",
        "https:as.example/",
        "https:/as.example/",
        "https:///as.example/",
        "https://user@as.example/",
        "https://user:pw@as.example/",
        "https://@as.example/",
        "https://127.0.0.1\\@as.example/",
        "https://as.example/a b",
        "https://as.example/\n",
        "https://as.example/\u{0}",
        "https://as.example/\u{1b}[0m",
        "https://as.example/\"&calc",
        "https://as.example/`id`",
        "https://as.example/|id",
        "https://as.example/ä",
        " https://as.example/",
        "https://",
    ] {
        let error = check_url(url).expect_err(url);
        assert_eq!(error.kind(), crate::ErrorKind::Validation, "{url}");
    }
}

#[test]
fn commands_are_split_before_the_url_comes_in() {
    let table: [(&str, &[&str]); 8] = [
        ("firefox", &["firefox", URL]),
        ("  firefox   --new-window ", &["firefox", "--new-window", URL]),
        ("firefox --url=%s --private", &["firefox", &["--url=", URL].concat(), "--private"]),
        ("open '%s' -a", &["open", URL, "-a"]),
        ("'/opt/My Browser/run' \"a b\" c", &["/opt/My Browser/run", "a b", "c", URL]),
        ("a '' b", &["a", "", "b", URL]),
        ("a $HOME;id `id` *", &["a", "$HOME;id", "`id`", "*", URL]),
        ("a 'it''s' \"x'y\"", &["a", "its", "x'y", URL]),
    ];
    for (command, expected) in table {
        let launcher = from_words(&words(command).expect(command), URL);
        let argv: Vec<_> = std::iter::once(&launcher.program).chain(&launcher.arguments).collect();
        assert_eq!(argv, expected, "{command}");
    }
    for command in ["", "   ", "'open", "a \"b", "%s", "%s firefox", "'' x"] {
        assert!(words(command).is_err(), "{command}");
    }
}

#[test]
fn placeholder_in_the_url_is_not_replaced() {
    let url = "https://as.example/?x=%s";
    let launcher = from_words(&words("b --a=%s").unwrap(), url);
    assert_eq!(launcher.arguments, ["--a=https://as.example/?x=%s"]);
}

#[cfg(unix)]
mod launching {
    use super::*;

    /// A command that runs this shell script, which lies in the folder. The shell is named, since
    /// a file that was just written cannot always be executed while other threads start programs.
    fn script(body: &str) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script");
        std::fs::write(&path, body).unwrap();
        let command = format!("/bin/sh '{}'", path.display());
        (folder, command)
    }

    /// A folder with a program of this name, which succeeds.
    fn program(name: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/bin/true", folder.path().join(name)).unwrap();
        folder
    }

    fn run(mut browser: Browser, url: &str) -> Result<Launched> {
        browser.watch = Duration::from_secs(60);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(browser.open(url))
    }

    #[test]
    fn url_is_one_argument_and_no_shell_reads_it() {
        let out = tempfile::tempdir().unwrap();
        let log = out.path().join("argv");
        let body = format!("printf '%s\\n' \"$#\" \"$@\" > '{}'", log.display());
        let (_folder, command) = script(&body);
        let browser = Browser::command(&format!("{command} --flag"), None).unwrap();
        assert_eq!(run(browser, URL).unwrap().program(), "/bin/sh");
        let seen = std::fs::read_to_string(&log).unwrap();
        assert_eq!(seen.lines().collect::<Vec<_>>(), ["2", "--flag", URL]);
    }

    #[test]
    fn browser_inherits_no_secret_and_no_open_file() {
        let out = tempfile::tempdir().unwrap();
        let (seen, fds) = (out.path().join("env"), out.path().join("fds"));
        let body = format!(
            "/usr/bin/env > '{}'; ls -l /proc/self/fd > '{}' 2>&1",
            seen.display(),
            fds.display()
        );
        let (_folder, command) = script(&body);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let browser = Browser::command(&command, None).unwrap();
        run(browser.hide(["PATH".to_owned()]), URL).unwrap();
        let seen = std::fs::read_to_string(seen).unwrap();
        assert!(seen.contains("PWD="), "{seen}");
        let inherited = std::env::var_os("PATH").unwrap();
        assert!(!seen.contains(&format!("PATH={}\n", inherited.display())), "hidden: {seen}");
        if let Ok(fds) = std::fs::read_to_string(fds) {
            assert!(!fds.contains("socket:"), "{fds}");
        }
        drop(listener);
    }

    #[test]
    fn every_secret_variable_of_ours_is_taken_away() {
        let browser = Browser::command("/bin/x", None).unwrap();
        for name in ["STORE_KEY", "STATE_KEY", "MASTER_KEY", "NEW_MASTER_KEY", "IMPORT"] {
            assert!(browser.hidden.contains(&format!("OAUTHCTL_{name}")), "{name}");
        }
    }

    #[test]
    fn missing_or_failing_browser_yields_to_the_next() {
        let (_bad, bad) = script("exit 3");
        let folder = program("good");
        let list = format!("/nonexistent/x:./good:missing:{bad}:good %s");
        let browser = Browser::alternatives(&list, Some(folder.path().as_os_str())).unwrap();
        let good = folder.path().join("good");
        assert_eq!(run(browser, URL).unwrap().program(), good.to_string_lossy());
    }

    #[test]
    fn failure_of_every_launcher_is_reported() {
        let (_bad, bad) = script("exit 3");
        let (_killed, killed) = script("kill -9 $$");
        let list = format!("missing:./rel:{bad}:{killed}");
        let error = run(Browser::alternatives(&list, None).unwrap(), URL).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Unavailable);
        for part in ["missing: not found", "./rel: relative paths", "code 3", "by a signal"] {
            assert!(error.message().contains(part), "{part}: {error}");
        }
    }

    #[test]
    fn current_directory_is_never_searched() {
        let here = std::env::current_dir().unwrap();
        let folder = program("stub");
        let mut relative: PathBuf = here.components().skip(1).map(|_| "..").collect();
        relative.push(folder.path().strip_prefix("/").unwrap());
        assert!(relative.join("stub").exists());
        for path in [relative.as_os_str(), OsStr::new(""), OsStr::new("."), OsStr::new(":.:")] {
            let browser = Browser::command("stub", Some(path)).unwrap();
            assert!(run(browser, URL).is_err(), "{path:?}");
        }
        let browser = Browser::command("stub", Some(folder.path().as_os_str())).unwrap();
        assert!(run(browser, URL).is_ok());
    }

    #[test]
    fn nothing_is_started_for_a_refused_url() {
        let out = tempfile::tempdir().unwrap();
        let log = out.path().join("started");
        let (_folder, command) = script(&format!("touch '{}'", log.display()));
        let browser = Browser::command(&command, None).unwrap();
        assert!(run(browser, "http://as.example/").is_err());
        assert!(!log.exists());
    }

    #[test]
    fn running_launcher_is_watched_not_awaited() {
        let out = tempfile::tempdir().unwrap();
        let gate = out.path().join("gate");
        let body = format!("while [ ! -e '{}' ]; do sleep 0.02; done; exit 4", gate.display());
        let (_folder, command) = script(&body);
        let mut browser = Browser::command(&command, None).unwrap();
        browser.watch = Duration::ZERO;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut launched = browser.open(URL).await.unwrap();
            std::fs::write(&gate, "").unwrap();
            assert_eq!(launched.ended().await, Err("it failed with code 4".to_owned()));
        });
    }
}
