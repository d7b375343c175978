//! What is measured.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use crate::browser;
use crate::figures::{Target, heads, median, row, time};
use crate::homes::{SCOPES, home, log_in};
use crate::machine::installed;
use crate::support::{Home, OidcProvider, SecretService, Servers};
use crate::{growth, two_phase, ways_out};

/// The verifier of RFC 7636, appendix B, and its challenge.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Measures a row of this name, by so many pairs, and prints it.
type Measure = fn(&str, usize, &OidcProvider);

/// Prints every row whose name contains `wanted`.
pub fn all(pairs: usize, wanted: Option<&str>) {
    let is_wanted = |name: &str| wanted.is_none_or(|wanted| name.contains(wanted));
    let server = Servers::oidc_provider();
    let rows: [(&str, Measure); 25] = [
        ("token, cached, Secret Service / secret-tool lookup", cached_in_secret_service),
        ("token, cached, file store / true", cached_in_file),
        ("token, cached, 1,000 profiles / 1 profile", cached_among_a_thousand),
        ("refresh, file store / curl token request", refresh),
        ("refresh, 10,000 accounts / 1 account", growth::refresh_among_accounts),
        ("refresh --account, 10,000 accounts / 1 account", growth::refresh_of_account),
        ("refresh, Secret Service: calls to it", growth::keyring_calls),
        ("start, 10,000 profiles / 1 profile", growth::start_among_profiles),
        ("start without iss, 10,000 profiles / 1", growth::start_without_iss_among_profiles),
        ("status, 10,000 profiles / 1 profile", growth::status_among_profiles),
        ("first login, file store / the browser alone", first_login),
        ("login again, file store / the browser alone", login_again),
        ("login URL again / login PROFILE again", login_by_url),
        ("login on another device: CPU time of a minute", device_polling),
        ("token, cached: peak memory", peak_memory),
        ("start / curl metadata", two_phase::start),
        ("start, 10,000 flows open / 10 open", two_phase::start_among_many),
        ("complete, 10,000 flows open / 10 open", two_phase::complete_among_many),
        ("A: sign a state, B: check it", two_phase::states),
        ("token, cached, kernel keyring / true", ways_out::cached_in_kernel),
        ("token, cached, agent / true and a round trip", ways_out::cached_in_agent),
        ("git credential fill / helper that prints, and store", ways_out::git_fill),
        ("api, one GET / curl", ways_out::api_request),
        ("proxy, small GETs / nginx", ways_out::proxy_requests),
        ("proxy, 1 GiB download / direct", ways_out::proxy_download),
    ];
    heads();
    for (name, measure) in rows.into_iter().filter(|(name, _)| is_wanted(name)) {
        measure(name, pairs, &server);
    }
}

fn cached_in_secret_service(name: &str, pairs: usize, server: &OidcProvider) {
    if !(installed("secret-tool") && installed("gnome-keyring-daemon")) {
        return println!("{name:<52} not measured: no secret-tool or gnome-keyring here");
    }
    let service = SecretService::start();
    let mut home = Home::new();
    home.profile("p", &server.issuer, "cli", SCOPES);
    home.keyring(&service);
    log_in(&mut home);
    let on_bus = |args: &[&str]| {
        let mut command = Command::new("secret-tool");
        command.args(args).env("DBUS_SESSION_BUS_ADDRESS", &service.address);
        command
    };
    let mut storing = on_bus(&["store", "--label=bench", "bench", "secret"]);
    let mut storing = storing.stdin(Stdio::piped()).spawn().unwrap();
    storing.stdin.take().unwrap().write_all(&[b'x'; 1500]).unwrap();
    assert!(storing.wait().unwrap().success());
    row(
        name,
        pairs,
        &Target::Ratio(0.5),
        || time(&mut on_bus(&["lookup", "bench", "secret"])),
        || time(&mut home.command(["token", "-p", "p"])),
    );
}

fn cached_in_file(name: &str, pairs: usize, server: &OidcProvider) {
    let home = home(server);
    row(
        name,
        // Short ones are noisy, and cost little.
        pairs * 4,
        &Target::Ratio(1.8),
        || time(&mut Command::new("/bin/true")),
        || time(&mut home.command(["token", "-p", "p"])),
    );
}

fn cached_among_a_thousand(name: &str, pairs: usize, server: &OidcProvider) {
    let one = home(server);
    let mut many = Home::new();
    let others = (0..999).map(|number| {
        format!("[profiles.other-{number}]\nissuer = \"https://as-{number}.example\"\nclient_id = \"c\"\n{SCOPES}\n\n")
    });
    many.config(&others.collect::<String>()).profile("p", &server.issuer, "cli", SCOPES);
    log_in(&mut many);
    row(
        name,
        pairs * 4,
        &Target::Ratio(1.5),
        || time(&mut one.command(["token", "-p", "p"])),
        || time(&mut many.command(["token", "-p", "p"])),
    );
}

fn refresh(name: &str, pairs: usize, server: &OidcProvider) {
    if !installed("curl") {
        return println!("{name:<52} not measured: no curl here");
    }
    let home = home(server);
    let endpoint = Url::parse(&format!("{}/token", server.issuer)).unwrap();
    let mut refresh_token = redeem(server, &endpoint);
    let curl = || {
        let mut command = Command::new("curl");
        command.args(["-s", "-d", "grant_type=refresh_token", "-d", "client_id=cli", "-d"]);
        command.arg(format!("refresh_token={refresh_token}")).arg(endpoint.as_str());
        let begun = std::time::Instant::now();
        let answer = command.output().unwrap();
        let took = begun.elapsed().as_secs_f64();
        let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
        refresh_token = answer["refresh_token"].as_str().unwrap().to_owned();
        took
    };
    let ours = || time(&mut home.command(["token", "-p", "p", "--force-refresh"]));
    row(name, pairs, &Target::Ratio(1.2), curl, ours);
}

/// A refresh token that the program has nothing to do with.
fn redeem(server: &OidcProvider, endpoint: &Url) -> String {
    let callback = "http://127.0.0.1:9/callback";
    let (at, _) = browser::visit(&authorization_url(server, callback), Some(callback));
    let code = at.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("client_id", "cli")
        .append_pair("code", &code)
        .append_pair("redirect_uri", callback)
        .append_pair("code_verifier", VERIFIER)
        .finish();
    let answer = browser::send(
        "POST",
        endpoint,
        "Content-Type: application/x-www-form-urlencoded\r\n",
        &form,
    );
    let answer: Value =
        serde_json::from_str(&answer.body).unwrap_or_else(|e| panic!("{e}: {}", answer.body));
    answer["refresh_token"].as_str().unwrap().to_owned()
}

fn authorization_url(server: &OidcProvider, callback: &str) -> String {
    let parameters = [
        ("response_type", "code"),
        ("client_id", "cli"),
        ("redirect_uri", callback),
        ("scope", "openid api"),
        ("state", "a-state-of-the-bench"),
        ("nonce", "a-nonce-of-the-bench"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    Url::parse_with_params(&format!("{}/auth", server.issuer), parameters).unwrap().into()
}

/// The browser by itself: the same walk, to a listener that answers at once.
fn browser_alone(server: &OidcProvider) -> impl FnMut() -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let callback = format!("http://{}/callback", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                let mut chunk = [0; 4096];
                let count = stream.read(&mut chunk).unwrap();
                head.extend_from_slice(&chunk[..count]);
            }
            let page = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
            stream.write_all(page.as_bytes()).unwrap();
        }
    });
    let url = authorization_url(server, &callback);
    let this = std::env::current_exe().unwrap();
    move || time(Command::new(&this).args(["--browse", &url]))
}

fn first_login(name: &str, pairs: usize, server: &OidcProvider) {
    let this = std::env::current_exe().unwrap();
    let login = || {
        let mut home = Home::new();
        home.profile("p", &server.issuer, "cli", SCOPES);
        home.set("BROWSER", format!("{} --browse %s", this.display()));
        time(&mut home.command(["login", "p"]))
    };
    row(name, pairs, &Target::More(30.0), browser_alone(server), login);
}

fn login_again(name: &str, pairs: usize, server: &OidcProvider) {
    let home = home(server);
    let login = || time(&mut home.command(["login", "p"]));
    row(name, pairs, &Target::More(30.0), browser_alone(server), login);
}

/// The URL is that of the issuer, whose metadata is asked for either way.
fn login_by_url(name: &str, pairs: usize, server: &OidcProvider) {
    let home = home(server);
    // Without scopes, an OpenID provider has nothing to grant.
    let again = ["login", &server.issuer, "--scope", "openid api"];
    time(home.command(again).args(["--client-id", "cli"]));
    row(
        name,
        pairs,
        &Target::More(10.0),
        || time(&mut home.command(["login", "p"])),
        || time(&mut home.command(again)),
    );
}

/// Nobody enters the code meanwhile. As the kernel counts it, for all threads.
fn device_polling(name: &str, _pairs: usize, server: &OidcProvider) {
    let home = Home::new();
    home.profile("p", &server.issuer, "cli", "flow = [\"device\"]");
    let mut login = home.command(["login", "p"]).stderr(Stdio::null()).spawn().unwrap();
    let spent = |pid: u32| {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let one = |text: String| text.split(' ').next()?.parse::<f64>().ok();
        threads
            .filter_map(|thread| one(fs::read_to_string(thread.path().join("schedstat")).ok()?))
            .sum::<f64>()
    };
    // By then the code is on the screen.
    thread::sleep(Duration::from_secs(3));
    let before = spent(login.id());
    thread::sleep(Duration::from_secs(60));
    let after = spent(login.id());
    login.kill().unwrap();
    login.wait().unwrap();
    assert!(before > 0.0 && after >= before, "the login has ended");
    println!(
        "{name:<52} {:>9} {:>9} {:>6.2} ms  {:>10}   at most 10 ms",
        "",
        "",
        (after - before) / 1e6,
        ""
    );
}

/// As GNU time tells it: the resident set, pages of the program itself included.
fn peak_memory(name: &str, pairs: usize, server: &OidcProvider) {
    const TIME: &str = "/usr/bin/time";
    if !Path::new(TIME).is_file() {
        return println!("{name:<52} not measured: no {TIME} here");
    }
    let home = home(server);
    let report = home.path("peak");
    let peaks = (0..pairs).map(|_| {
        let token = home.command(["token", "-p", "p"]);
        let mut command = Command::new(TIME);
        command
            .args(["-f", "%M", "-o"])
            .arg(&report)
            .arg(token.get_program())
            .args(token.get_args());
        command.env_clear().envs(token.get_envs().filter_map(|(name, value)| Some((name, value?))));
        time(&mut command);
        fs::read_to_string(&report).unwrap().trim().parse::<f64>().unwrap()
    });
    println!(
        "{name:<52} {:>9} {:>9} {:>6.2} MiB {:>10}   at most 8 MiB",
        "",
        "",
        median(peaks) / 1024.0,
        ""
    );
}
