//! The steps of reading a file grow with the file and no faster, whatever is in it.

use std::fmt::Write;
use std::path::Path;

use super::{ConfigFile, work};

/// Eight times as much takes eight times as many steps, and not sixty-four times as many.
#[track_caller]
fn reads(is_valid: bool, make: impl Fn(usize) -> String, size: usize) {
    let [small, large] = [size, size * 8].map(|size| {
        let file = ConfigFile::of_text(Path::new("c.toml"), &make(size));
        let (read, steps) = work::of(|| file.parse());
        assert_eq!(read.is_ok(), is_valid, "{:.1000}", format!("{:?}", read.err()));
        steps
    });
    assert!(large <= small * 10, "{small} steps for {size}, {large} for eight times as many");
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
fn valid_profiles_are_read_in_linear_time() {
    reads(true, |count| repeated(count, |number| profile(number, "")), 200);
}

#[test]
fn many_suggestions_take_linear_time() {
    for more in [
        "provider = \"gitlub\"",
        "grant = \"authorisation_code\"",
        "store = \"keyrings\"",
        "client_secret = { enw = \"X\" }",
        "clientid = 1\nisuer = 2\nscops = 3\nredirect_url = 4\nzzz = 5",
    ] {
        reads(false, |count| repeated(count, |number| profile(number, more)), 200);
    }
}

#[test]
fn suggestions_for_long_words_take_linear_time() {
    let word = |length: usize| "word".repeat(length);
    reads(false, |length| profile(1, &format!("provider = \"{}\"", word(length))), 2_000);
    reads(false, |length| profile(1, &format!("grant = \"{}\"", word(length))), 2_000);
    let near = |length| {
        format!("[defaults]\nprofile = \"{0}\"\n[profiles.{0}x]\nissuer = \"x\"\n", word(length))
    };
    reads(false, near, 2_000);
}

#[test]
fn problems_on_one_line_take_linear_time() {
    let line = |more: &'static str| {
        move |count| {
            let server = "issuer = \"https://as.example\", client_id = \"c\"";
            let profiles =
                repeated(count, |number| format!("p{number} = {{ {server}, {more} }}, "));
            format!("profiles = {{ {} }}\n", profiles.trim_end_matches(", "))
        }
    };
    reads(true, line("pkce = \"off\""), 200);
    reads(false, line("nothing = 1"), 200);
}

#[test]
fn long_lists_are_read_in_linear_time() {
    let list = |name: &'static str, word: fn(usize) -> String| {
        move |count| {
            let mut words = String::new();
            (0..count).for_each(|number| write!(words, "\"{}\", ", word(number)).unwrap());
            profile(1, &format!("{name} = [{words}]"))
        }
    };
    reads(true, list("redirect_uri", |number| format!("http://127.0.0.1/{number}")), 1_000);
    reads(false, list("flow", |number| format!("flow{number}")), 1_000);
    reads(true, list("scopes", |number| format!("scope{number}")), 1_000);
}

#[test]
fn shared_redirect_paths_are_found_in_linear_time() {
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
    reads(true, crafted, 100);
}

#[test]
fn invalid_toml_is_refused_in_linear_time() {
    reads(false, |count| "x = = 1\n".repeat(count), 500);
    reads(false, |count| "[profiles.x]\n".repeat(count), 500);
    reads(false, |count| "[[[[[[[[".repeat(count), 500);
    let unclosed = |number| format!("[profiles.p{number}\nissuer = \"x\n");
    reads(false, |count| repeated(count, unclosed), 200);
}
