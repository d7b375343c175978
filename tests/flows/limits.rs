//! However large, slow or endless a response is, the command ends in time and with little memory.

use std::process::Command;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::support::shapes::gzip_bomb;
use crate::support::*;
use crate::user::*;

const MIB: u64 = 1024 * 1024;

/// What may be resident at most: the pages of the program itself included.
const RESIDENT: u64 = 64 * MIB;

/// What may be written to at most. The kernel refuses more, and that ends the program.
const DATA: u64 = 32 * MIB;

/// The ways in which responses attack a client that waits for their end or reads all of them, besides compression.
const FAULTS: [&str; 8] = [
    "drip-headers",
    "drip-body",
    "drip-chunks",
    "endless-chunks",
    "body-1-gib",
    "headers-10k",
    "headers-endless",
    "header-200-kib",
];

/// A login under watch.
struct Watched {
    running: Running,
    peak: JoinHandle<u64>,
    what: String,
    _home: Home,
    _server: Option<Scripted>,
}

impl Watched {
    /// Starts a login at this scenario.
    fn start(scenario: String, scopes: &str) -> Self {
        let home = Home::new();
        pasting(&home, &scenario, scopes);
        Self::log_in(home, scenario, None)
    }

    /// Starts a login at a server whose responses to these requests unpack to far more than they seem.
    fn unpacking(place: &'static str, scopes: &str) -> Self {
        let (server, home) = (Scripted::start(), Home::new());
        server.reply(place, &gzip_bomb());
        server.profile(&home, &format!("{PASTED}{scopes}"));
        Self::log_in(home, format!("gzip-bomb, {place}"), Some(server))
    }

    /// Starts a login within the limit of memory.
    fn log_in(home: Home, what: String, server: Option<Scripted>) -> Self {
        let program = home.command(["login", "p", "--flow", "paste", "--no-browser"]);
        let mut limited = Command::new("prlimit");
        limited
            .arg(format!("--data={DATA}"))
            .arg("--")
            .arg(program.get_program())
            .args(program.get_args())
            .env_clear()
            .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let running = Running::start(&mut limited, Duration::from_secs(120));
        let peak = watch(running.pid());
        Self { running, peak, what, _home: home, _server: server }
    }

    /// The user returns with a code.
    fn come_back(mut self) -> Self {
        let url = url_to_open(&mut self.running);
        self.running.write(&format!("{}\n", callback(&url)));
        self
    }

    /// It ends with exit code 9, and never had more memory than it may have.
    fn ends(self) {
        let output = self.running.wait().fails(9);
        assert!(error(&output).contains("127.0.0.1"), "{}: {}", self.what, output.stderr);
        let peak = self.peak.join().unwrap();
        assert!(peak > 0, "{}: nothing was measured", self.what);
        assert!(peak < RESIDENT, "{}: {} KiB were resident", self.what, peak / 1024);
    }
}

/// The peak of what was resident of a process, in bytes, as the kernel kept it until the end.
fn watch(pid: u32) -> JoinHandle<u64> {
    std::thread::spawn(move || {
        let mut peak = 0;
        // Without a line, the process has ended, or has not been reaped yet.
        while let Some(now) = high_water(pid) {
            peak = now;
            std::thread::sleep(Duration::from_millis(2));
        }
        peak
    })
}

fn high_water(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

/// All of them at once: those that only the deadline ends take half a minute.
#[test]
fn no_answer_takes_more_time_or_memory_than_it_may() {
    let mut all = Vec::new();
    for fault in FAULTS {
        all.push(Watched::start(format!("discovery.{fault}~tag.limits"), ""));
        all.push(Watched::start(format!("code.{fault}~tag.limits"), "").come_back());
        all.push(Watched::start(format!("jwks.{fault}~tag.limits"), OPENID).come_back());
    }
    all.push(Watched::unpacking("metadata", ""));
    all.push(Watched::unpacking(CODE_GRANT, "").come_back());
    all.push(Watched::unpacking("jwks", OPENID).come_back());
    all.into_iter().for_each(Watched::ends);
}
