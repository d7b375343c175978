//! The cost of reading a file grows linearly with its size, whatever it contains.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use super::ConfigFile;

/// The time that this thread has run, which other programs do not change; elsewhere than on Linux the
/// time that has passed.
fn time(begun: Instant) -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let run = stat.split(' ').next().and_then(|run| run.parse().ok()).map(Duration::from_nanos);
    run.unwrap_or_else(|| begun.elapsed())
}

/// Eight times as much must not take more than three times eight times as long: what grows with the
/// square takes sixty-four times as long.
#[track_caller]
fn grows_with(make: impl Fn(usize) -> String, size: usize) {
    let begun = Instant::now();
    let measure = |size: usize| {
        let file = ConfigFile::of_text(Path::new("c.toml"), &make(size));
        let before = time(begun);
        let mut runs = 0;
        // The time is told in steps of some milliseconds.
        while time(begun) - before < Duration::from_millis(40) {
            let _ = file.parse();
            runs += 1;
        }
        (time(begun) - before) / runs
    };
    measure(size);
    let (small, large) = (measure(size), measure(size * 8));
    assert!(large < small * 24, "{small:?} for {size}, {large:?} for eight times as many");
}

fn repeated(count: usize, of: impl Fn(usize) -> String) -> String {
    (0..count).map(of).collect()
}

fn profile(number: usize, more: &str) -> String {
    format!(
        "[profiles.p{number}]\nissuer = \"https://as-{number}.example\"\nclient_id = \"c\"\n{more}\n"
    )
}

#[test]
fn profiles_without_fault() {
    grows_with(|count| repeated(count, |number| profile(number, "")), 200);
}

#[test]
fn faults_that_need_a_suggestion() {
    for more in [
        "provider = \"gitlub\"",
        "grant = \"authorisation_code\"",
        "store = \"keyrings\"",
        "client_secret = { enw = \"X\" }",
        "clientid = 1\nisuer = 2\nscops = 3\nredirect_url = 4\nzzz = 5",
    ] {
        grows_with(|count| repeated(count, |number| profile(number, more)), 200);
    }
}

#[test]
fn long_words_that_need_a_suggestion() {
    let word = |length: usize| "word".repeat(length);
    grows_with(|length| profile(1, &format!("provider = \"{}\"", word(length))), 20_000);
    grows_with(|length| profile(1, &format!("grant = \"{}\"", word(length))), 20_000);
    let near = |length| {
        format!("[defaults]\nprofile = \"{0}\"\n[profiles.{0}x]\nissuer = \"x\"\n", word(length))
    };
    grows_with(near, 20_000);
}

#[test]
fn warnings_and_faults_on_one_line() {
    let line = |more: &'static str| {
        move |count| {
            let server = "issuer = \"https://as.example\", client_id = \"c\"";
            let profiles =
                repeated(count, |number| format!("p{number} = {{ {server}, {more} }}, "));
            format!("profiles = {{ {} }}\n", profiles.trim_end_matches(", "))
        }
    };
    grows_with(line("pkce = \"off\""), 1500);
    grows_with(line("nothing = 1"), 500);
}

#[test]
fn long_lists() {
    let list = |name: &'static str, word: fn(usize) -> String| {
        move |count| {
            let mut words = String::new();
            (0..count).for_each(|number| write!(words, "\"{}\", ", word(number)).unwrap());
            profile(1, &format!("{name} = [{words}]"))
        }
    };
    grows_with(list("redirect_uri", |number| format!("http://127.0.0.1/{number}")), 1000);
    grows_with(list("flow", |number| format!("flow{number}")), 1000);
    grows_with(list("scopes", |number| format!("scope{number}")), 1000);
}

#[test]
fn servers_that_could_be_mixed_up() {
    let uri = "redirect_uri = \"http://127.0.0.1/callback\"";
    let crafted = |count| {
        let bare = repeated(count, |number| {
            format!(
                "[profiles.b{number}]\nclient_id = \"c\"\n{uri}\n\
                 authorization_endpoint = \"https://as.example/a{number}\"\n\
                 token_endpoint = \"https://as.example/t{number}\"\n"
            )
        });
        let named = repeated(count, |number| {
            format!(
                "[profiles.n{number}]\nclient_id = \"c\"\nissuer = \"https://as.example\"\n\
                 scopes = [\"s{number}\"]\n"
            )
        });
        bare + &named
    };
    grows_with(crafted, 100);
}

#[test]
fn what_is_no_toml() {
    grows_with(|count| "x = = 1\n".repeat(count), 500);
    grows_with(|count| "[profiles.x]\n".repeat(count), 500);
    grows_with(|count| "[[[[[[[[".repeat(count), 500);
    grows_with(
        |count| repeated(count, |number| format!("[profiles.p{number}\nissuer = \"x\n")),
        200,
    );
}
