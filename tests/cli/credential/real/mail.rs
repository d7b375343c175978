use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::super::planted_with;
use super::run;
use crate::fixture::TOKEN;
use crate::support::{Api, Home, Replied, await_some, free_port, program};

const MAILBOX: &str = "ada@example.com";

/// Dovecot, which asks an authorization server about each token. It ends when this is dropped.
struct Dovecot {
    process: Child,
    imap: u16,
    submission: u16,
    _dir: TempDir,
    _introspection: Api,
}

impl Dovecot {
    fn start(relay: u16) -> Self {
        let introspection = Api::start(|asked| match asked.text().contains(TOKEN) {
            true => Replied::ok(&format!("{{\"active\":true,\"username\":\"{MAILBOX}\"}}")),
            false => Replied::ok("{\"active\":false}"),
        });
        let dir = TempDir::with_prefix("oauthctl-mail-").unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        std::fs::create_dir(at("mail")).unwrap();
        std::fs::set_permissions(at("mail"), std::fs::Permissions::from_mode(0o777)).unwrap();
        let oauth2 = format!(
            "introspection_url = {}/introspect\nintrospection_mode = post\n\
             username_attribute = username\nactive_attribute = active\nactive_value = true\n",
            introspection.origin
        );
        std::fs::write(at("oauth2"), oauth2).unwrap();
        let [imap, submission] = [free_port(), free_port()];
        let listener = |service: &str, port: u16| {
            format!(
                "service {service}-login {{\nchroot =\n\
                 inet_listener {service} {{\naddress = 127.0.0.1\nport = {port}\n}}\n\
                 inet_listener {service}s {{\nport = 0\n}}\n}}\n"
            )
        };
        let config = format!(
            "base_dir = {run}\nlog_path = {log}\nprotocols = imap submission\nssl = no\n\
             disable_plaintext_auth = no\nauth_mechanisms = xoauth2 oauthbearer\n{owner}\
             passdb {{\ndriver = oauth2\nmechanisms = xoauth2 oauthbearer\nargs = {oauth2}\n}}\n\
             userdb {{\ndriver = static\nargs = uid={user} gid={user} home={mail}\n}}\n\
             mail_location = maildir:{mail}/Maildir\nfirst_valid_uid = 1\nfirst_valid_gid = 1\n\
             hostname = mail.example\nsubmission_relay_host = 127.0.0.1\n\
             submission_relay_port = {relay}\nservice anvil {{\nchroot =\n}}\n{imap}{submission}",
            run = at("run"),
            log = at("log"),
            oauth2 = at("oauth2"),
            mail = at("mail"),
            user = own_user().unwrap_or(65_534),
            owner = match own_user() {
                None => String::new(),
                Some(user) =>
                    format!("default_internal_user = {user}\ndefault_login_user = {user}\n"),
            },
            imap = listener("imap", imap),
            submission = listener("submission", submission),
        );
        std::fs::write(at("config"), config).unwrap();
        let process = Command::new("/usr/sbin/dovecot")
            .args(["-F", "-c", &at("config")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let dovecot = Self { process, imap, submission, _dir: dir, _introspection: introspection };
        await_some("dovecot", || TcpStream::connect(("127.0.0.1", imap)).ok());
        await_some("dovecot", || TcpStream::connect(("127.0.0.1", submission)).ok());
        dovecot
    }

    /// Authenticates to IMAP with this initial response (RFC 4959), and returns what the server says.
    fn authenticated(&self, mechanism: &str, response: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.imap)).unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        assert!(lines.next().unwrap().unwrap().starts_with("* OK"));
        stream.write_all(format!("a AUTHENTICATE {mechanism} {response}\r\n").as_bytes()).unwrap();
        loop {
            let line = lines.next().unwrap().unwrap();
            if line.starts_with('+') {
                // An error, which the client confirms.
                stream.write_all(b"\r\n").unwrap();
            }
            if line.starts_with("a ") {
                return line;
            }
        }
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let id = rustix::process::Pid::from_child(&self.process);
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        let _ = self.process.wait();
    }
}

/// The user that the test runs as, unless that is root.
fn own_user() -> Option<u32> {
    let user = rustix::process::getuid();
    (!user.is_root()).then_some(user.as_raw())
}

/// A mail server that takes one message, and returns it.
fn relay() -> (u16, std::thread::JoinHandle<String>) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let receive = move || {
        for mut stream in server.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            stream.write_all(b"220 relay.example\r\n").unwrap();
            while let Some(Ok(line)) = lines.next() {
                if line != "DATA" {
                    let _ = stream.write_all(b"250 ok\r\n");
                    continue;
                }
                stream.write_all(b"354 go on\r\n").unwrap();
                let message = lines.by_ref().map_while(Result::ok).take_while(|line| line != ".");
                let message: Vec<String> = message.collect();
                stream.write_all(b"250 ok\r\n").unwrap();
                return message.join("\n");
            }
        }
        String::new()
    };
    (port, std::thread::spawn(receive))
}

#[test]
fn imap_accepts_both_sasl_strings() {
    let dovecot = Dovecot::start(1);
    let home = planted_with("");
    for (format, mechanism) in [("xoauth2", "XOAUTH2"), ("oauthbearer", "OAUTHBEARER")] {
        let words = ["token", "-p", "p", "--format", format, "--user", MAILBOX];
        let response = home.run(words).ok();
        let said = dovecot.authenticated(mechanism, response.line());
        assert!(said.starts_with("a OK"), "{format}: {said}");
    }
    let said = dovecot.authenticated("XOAUTH2", "dXNlcj1hAWF1dGg9QmVhcmVyIHgBAQ==");
    assert!(said.starts_with("a NO"), "{said}");
}

#[test]
fn curl_reads_mail_with_the_token() {
    let dovecot = Dovecot::start(1);
    let home = planted_with("");
    let token = home.run(["token", "-p", "p"]).ok();
    let config = format!("oauth2-bearer = {:?}\nuser = {MAILBOX:?}\n", token.line());
    home.write(&home.path("curl"), &config);
    let url = format!("imap://127.0.0.1:{}/", dovecot.imap);
    let config = home.path("curl");
    let seen = run(&home, &["curl", "-sS", "-K", config.to_str().unwrap(), &url]).stdout;
    assert!(String::from_utf8(seen).unwrap().contains("INBOX"));
}

/// What `docs/scripts.md` shows: the program asks oauthctl for the password.
#[test]
fn msmtp_sends_mail_with_both_mechanisms() {
    for mechanism in ["oauthbearer", "xoauth2"] {
        let (port, received) = relay();
        let dovecot = Dovecot::start(port);
        let home = planted_with("");
        let config = format!(
            "account default\nhost 127.0.0.1\nport {}\ntls off\nauth {mechanism}\nuser {MAILBOX}\n\
             from {MAILBOX}\npasswordeval \"{} token -p p\"\n",
            dovecot.submission,
            program().display()
        );
        home.write(&home.path("home/.msmtprc"), &config);
        send(&home, "Subject: notes\n\nhello\n");
        assert!(received.join().unwrap().contains("Subject: notes"), "{mechanism}");
    }
}

fn send(home: &Home, message: &str) {
    let mut msmtp = home.tool("msmtp");
    let mut msmtp = msmtp.arg("bob@example.com").stdin(Stdio::piped()).spawn().unwrap();
    msmtp.stdin.take().unwrap().write_all(message.as_bytes()).unwrap();
    assert!(msmtp.wait().unwrap().success());
}
