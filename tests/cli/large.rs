//! A configuration with many profiles: its catalog changes no result.

use crate::support::Home;

/// A profile whose server needs no discovery.
fn profile(name: &str, more: &str) -> String {
    format!(
        "[profiles.{name}]\nclient_id = \"c\"\n\
         authorization_endpoint = \"https://{name}.example/authorize\"\n\
         token_endpoint = \"https://{name}.example/token\"\n{more}\n"
    )
}

fn many() -> String {
    let others: String = (0..700).map(|number| profile(&format!("p{number}"), "")).collect();
    let set = "redirect_uri = \"https://app.example/back\"";
    format!("[defaults]\nprofile = \"p7\"\n{others}{}{}", profile("one", set), profile("two", set))
}

/// What `start` prints, but for what is new each time, and what it says.
fn start(home: &Home, args: &[&str]) -> (String, String) {
    let output = home.run([&["start"], args].concat()).ok();
    let json = output.json();
    let url = url::Url::parse(json["authorization_url"].as_str().unwrap()).unwrap();
    let value = |name: &str| url.query_pairs().find(|(n, _)| n == name).unwrap().1.into_owned();
    let at = format!("{} {} {}", json["profile"], url.host_str().unwrap(), value("redirect_uri"));
    (at, output.stderr)
}

const FLOWS: [&[&str]; 5] = [
    &[],
    &["p500"],
    &["one"],
    &["p0", "--redirect-uri", "https://app.example/back"],
    &["p0", "--redirect-uri", "https://app.example/other"],
];

#[test]
fn start_by_the_catalog_is_that_by_the_file() {
    let by_catalog = Home::new();
    by_catalog.config(&many());
    by_catalog.run(["profile", "list"]).ok();
    let catalogs = || std::fs::read_dir(by_catalog.state_dir().join("resolved")).unwrap().count();
    assert_eq!(catalogs(), 1);
    for args in FLOWS {
        let by_file = Home::new();
        by_file.config(&many());
        let (expected, said) = start(&by_file, args);
        assert_eq!(start(&by_catalog, args), (expected, said), "{args:?}");
    }
    let (at, said) = start(&by_catalog, &["p500"]);
    assert!(at.ends_with("/p500/callback"), "{at}");
    assert_eq!(said, "");
    let (_, said) = start(&by_catalog, &["one"]);
    assert!(said.contains("profiles `one` and `two` share a redirect path"), "{said}");
}

#[test]
fn fault_in_another_profile_is_told_as_ever() {
    let home = Home::new();
    home.config(&many());
    start(&home, &["p500"]);
    home.config(&many().replacen("token_endpoint", "token_endpont", 1));
    let output = home.run(["start", "p500"]).fails(3);
    assert!(output.stderr.contains(":6:1: unknown key `token_endpont`"), "{}", output.stderr);
    let output = home.run(["status"]).ok();
    assert!(output.stderr.contains(":6:1: unknown key `token_endpont`"), "{}", output.stderr);
    home.config(&many());
    start(&home, &["p500"]);
    let output = home.run(["start", "p50000"]).fails(3);
    assert!(output.stderr.contains("no profile `p50000`"), "{}", output.stderr);
    assert!(output.stderr.contains("did you mean `p500`?"), "{}", output.stderr);
    assert_eq!(home.run(["status"]).ok().stderr.lines().count(), 1);
}
