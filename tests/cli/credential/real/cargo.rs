use std::path::Path;

use super::super::planted_with;
use super::run;
use crate::fixture::TOKEN;
use crate::support::{Api, Replied};

/// A sparse registry that answers nobody without a token, and has one crate.
#[test]
fn cargo_fetches_from_a_registry_with_auth() {
    let home = planted_with("");
    const MAKE: &str = "mkdir -p notes-1.0.0/src && touch notes-1.0.0/src/lib.rs && \
        printf '[package]\\nname=\"notes\"\\nversion=\"1.0.0\"\\n' > notes-1.0.0/Cargo.toml && \
        tar czf notes.crate notes-1.0.0 && sha256sum notes.crate | cut -c-64";
    let sum = String::from_utf8(run(&home, &["sh", "-c", MAKE]).stdout).unwrap();
    let crate_file = std::fs::read(home.path("home/notes.crate")).unwrap();
    let index = format!(
        "{{\"name\":\"notes\",\"vers\":\"1.0.0\",\"deps\":[],\"cksum\":\"{}\",\"features\":{{}},\"yanked\":false}}\n",
        sum.trim()
    );
    let registry = Api::start(move |asked| {
        if asked.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return Replied::new(401, &[], "");
        }
        match asked.target.as_str() {
            "/index/config.json" => {
                let host = asked.header("host").unwrap();
                Replied::ok(&format!("{{\"dl\":\"http://{host}/dl\",\"auth-required\":true}}"))
            }
            "/index/no/te/notes" => Replied::ok(&index),
            "/dl/notes/1.0.0/download" => Replied::new(200, &[], crate_file.clone()),
            _ => Replied::new(404, &[], ""),
        }
    });
    let key = format!("sparse+{}/index/", registry.origin);
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    home.config(&format!("{config}[credential.cargo.\"{key}\"]\nprofile = \"p\"\n"));
    home.run(["credential", "setup", "cargo"]).ok();
    home.write(
        &home.path("home/Cargo.toml"),
        "[package]\nname = \"user\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\
         [dependencies]\nnotes = { version = \"1\", registry = \"registry-127-0-0-1\" }\n",
    );
    home.write(&home.path("home/src/lib.rs"), "");
    // The toolchain's own, which needs no home.
    let cargo = Path::new(env!("CARGO"));
    let rustc = cargo.with_file_name("rustc");
    let mut fetch = home.tool(cargo);
    fetch.arg("fetch").env("CARGO_HOME", home.path("home/.cargo")).env("RUSTC", rustc);
    let output = fetch.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(home.files().iter().any(|path| path.ends_with("notes-1.0.0.crate")));
}
