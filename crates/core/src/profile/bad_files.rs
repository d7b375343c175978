//! Invalid configuration files, and the errors for each.

mod lines;

use std::path::Path;

use self::lines::LINES;
use super::config_file::ConfigFile;

/// Lines that make a valid profile, so that a case shows only its own fault. They are lines 1 to 3.
const GOOD: &str = "[profiles.x]\nissuer = \"https://as.example\"\nclient_id = \"c\"\n";

fn errors(text: &str) -> String {
    match ConfigFile::of_text(Path::new("c.toml"), text).parse() {
        Ok(_) => String::new(),
        Err(error) => {
            assert_eq!(error.kind(), crate::ErrorKind::Config);
            error.message().to_owned()
        }
    }
}

#[test]
fn every_bad_line_is_named_with_its_place() {
    for (line, expected) in LINES {
        let said = errors(&format!("{GOOD}{line}\n"));
        assert!(said.starts_with(&format!("c.toml:{expected}")), "{line}\n  said {said}");
        assert_eq!(said.lines().count(), 1, "{line}: one fault, one line:\n{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

/// Whole files, and all errors for each.
const FILES: &[(&str, &[&str])] = &[
    ("profile = \"x\"\n", &["1:1: `profile` must be under [defaults]"]),
    ("store = \"file\"\n", &["1:1: `store` must be under [defaults]"]),
    (
        "client_id_metadata_ur = \"x\"\n",
        &["1:1: unknown key `client_id_metadata_ur` in the file; the"],
    ),
    ("profiles = 5\n", &["1:12: `profiles` in the file must be a table, not an integer"]),
    ("[profiles]\nx = 5\n", &["2:5: `x` in [profiles] must be a table, not an integer"]),
    (
        "[profiles.x]\n",
        &[
            "1:11: [profiles.x] needs a `client_id`",
            "1:11: [profiles.x] needs a `token_endpoint`, or an `issuer` to discover it from",
            "1:11: [profiles.x] needs an `authorization_endpoint`, or an `issuer` to discover it from",
        ],
    ),
    (
        "[profiles.x]\nclient_id = \"c\"\nroot_url = \"https://a.example/\"\npar = \"always\"\n",
        &["4:1: [profiles.x] has `par = \"always\"` but neither"],
    ),
    ("[profiles.g]\nprovider = \"gitlab\"\n", &["1:11: [profiles.g] needs a `client_id`"]),
    (
        "[defaults]\nprofile = \"y\"\nstor = \"file\"\n",
        &[
            "2:11: `profile` in [defaults] names an unknown profile: `y`",
            "3:1: unknown key `stor` in [defaults], did you mean `store`?",
        ],
    ),
    (
        "[defaults]\nprofile = \"http://example.com/mcp\"\n",
        &[
            "2:11: `profile` in [defaults] must use https: plain http is allowed only for loopback hosts",
        ],
    ),
    ("[store]\ncomand = {}\n", &["2:1: unknown key `comand` in [store], did you mean `command`?"]),
    (
        "[profiles.\"a\\u001bb\"]\n",
        &["1:11: a profile's name must not contain control or invisible characters"],
    ),
    (
        "[profiles.\"https://a\"]\n",
        &["1:11: a profile's name must not look like a URL: \"https://a\""],
    ),
    ("[profiles.-x]\n", &["1:11: a profile's name must not begin with `-`"]),
    ("[profiles.\"\"]\n", &["1:11: a profile's name must not be empty"]),
    (
        "[profiles.x]\nissuer = \"https://a.example\"\nclient_id = \"c\"\n[profiles.x]\n",
        &["4:11: duplicate key `x`"],
    ),
    (
        "[profiles.x]\nscops = []\nclient_id = \nclient_id = \"c\"\nissuer = maybe\n[profiles.y]\ngrnt = 1\n",
        &[
            "2:1: unknown key `scops` in [profiles.x]",
            "3:13: string values must be quoted",
            "4:1: duplicate key `client_id`",
            "5:10: string values must be quoted",
            "7:1: unknown key `grnt` in [profiles.y], did you mean `grant`?",
        ],
    ),
    (
        "[profiles.\"a b\"]\nissuer = \"https://a.example\"\nclient_id = \"\"\n",
        &["3:13: `client_id` in [profiles.\"a b\"] must not be empty"],
    ),
];

#[test]
fn all_faults_of_a_file_are_named_at_once() {
    for (text, expected) in FILES {
        let said = errors(text);
        let said: Vec<&str> = said.lines().collect();
        assert_eq!(said.len(), expected.len(), "{text}\n  said {said:#?}");
        for (said, expected) in said.iter().zip(*expected) {
            assert!(said.starts_with(&format!("c.toml:{expected}")), "{text}\n  said {said}");
        }
    }
}

#[test]
fn no_parameter_table_can_set_what_the_program_sets() {
    for table in ["authorization_params", "token_params", "refresh_params"] {
        for name in [
            "state",
            "redirect_uri",
            "client_id",
            "client_secret",
            "response_type",
            "code",
            "code_challenge",
            "code_challenge_method",
            "code_verifier",
            "nonce",
            "request_uri",
            "request",
            "scope",
            "grant_type",
            "refresh_token",
            "client_assertion",
            "client_assertion_type",
        ] {
            let said = errors(&format!("{GOOD}{table} = {{ {name} = \"v\" }}\n"));
            let expected = format!("`{table}` in [profiles.x] must not set `{name}`");
            assert!(said.contains(&expected), "{table} {name}: {said}");
        }
    }
}

#[test]
fn unclosed_list_is_one_error() {
    let said = errors(&format!("{GOOD}scopes = [\"a\"\n{}", "b = 1\n".repeat(100)));
    assert!((1..=6).contains(&said.lines().count()), "{said}");
    assert!(said.contains("unclosed array"), "{said}");
}
