use std::fs;

use super::super::planted_with;

#[test]
fn cargo_setups_are_undone_in_each_order() {
    let keys = ["sparse+https://one.example/", "sparse+https://two.example/"];
    let before = format!(
        "[registries.one]\nindex = \"{}\"\n[registries.two]\nindex = \"{}\"\n",
        keys[0], keys[1]
    );
    super::undone_in_each_order("cargo", keys, "home/.cargo/config.toml", &before);
}

#[test]
fn cargo_setup_without_the_url_of_an_index_is_refused() {
    let home = planted_with("[credential.cargo.\"cargo.example\"]\nprofile = \"p\"\n");
    let refused = home.run(["credential", "setup", "cargo"]).fails(3).stderr;
    assert!(refused.contains("[credential.cargo.\"sparse+https://"), "{refused}");
    assert!(!home.path("home/.cargo/config.toml").exists());
}

/// cargo rejects a configuration with a key twice, or with two registries of one index.
#[test]
fn cargo_setup_keeps_its_configuration_valid() {
    let keys = ["sparse+https://a.example/i/", "sparse+https://a.example/j/"];
    let tables = keys.map(|key| format!("[credential.cargo.\"{key}\"]\nprofile = \"p\"\n"));
    let home = planted_with(&tables.concat());
    let path = home.path("home/.cargo/config.toml");
    home.run(["credential", "setup", "cargo", keys[0]]).ok();
    let both = fs::read_to_string(&path).unwrap();
    let url = keys[1];
    for (file, why) in [
        (both.as_str(), "a registry `a-example` with another index"),
        (
            &format!("[registries.b]\nindex = '{url}'\ncredential-provider = 'x'\n"),
            "a `credential-provider`",
        ),
        (
            &format!("[registries.b]\ncredential-provider = 'x'\nindex = \"{url}\"\n"),
            "a `credential-provider`",
        ),
        ("[registries]\na-example = { index = 'sparse+https://b.example/' }\n", "another index"),
        ("[registries]\na-example = 1\n", "one table for each"),
        (&format!("[registries]\nb = {{ index = '{url}' }}\n"), "one table for each"),
        (&format!("registries.b.index = '{url}'\n"), "one table for each"),
        ("registries = {}\n", "one table for each"),
        ("[[registries]]\n", "one table for each"),
        ("[net\n", "not valid TOML"),
    ] {
        home.write(&path, file);
        let refused = home.run(["credential", "setup", "cargo", url]).fails(3).stderr;
        assert!(refused.contains(why), "{file}: {refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), file);
    }
    // As the hint for a name that has another index says.
    home.write(&path, &format!("{both}[registries.other]\nindex = '{url}'\n"));
    home.run(["credential", "setup", "cargo", url]).ok();
    let after = fs::read_to_string(&path).unwrap();
    assert_eq!(after.matches("credential-provider").count(), 2, "{after}");
    assert!(after.contains(&format!("'{url}'\ncredential-provider = [")), "{after}");
}
