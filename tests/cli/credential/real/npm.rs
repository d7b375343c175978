use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::super::planted_with;
use super::run;
use crate::fixture::TOKEN;
use crate::support::{Api, Home, Replied, program, tests_dir};

/// A home with a project that needs a package of this registry, which wants a token, and the registry's package.
fn project() -> (Home, Api) {
    let home = planted_with("");
    const MAKE: &str = "mkdir -p package && echo '{\"name\":\"notes\",\"version\":\"1.0.0\"}' > package/package.json \
        && tar czf notes.tgz package && openssl dgst -sha512 -binary notes.tgz | base64 -w0";
    let sum = String::from_utf8(run(&home, &["sh", "-c", MAKE]).stdout).unwrap();
    let package = std::fs::read(home.path("home/notes.tgz")).unwrap();
    let registry = Api::start(move |asked| {
        if asked.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return Replied::new(401, &[], "");
        }
        let host = asked.header("host").unwrap();
        match asked.target.as_str() {
            "/notes" => Replied::new(
                200,
                &["content-type: application/json"],
                format!(
                    "{{\"name\":\"notes\",\"dist-tags\":{{\"latest\":\"1.0.0\"}},\"versions\":{{\"1.0.0\":\
                     {{\"name\":\"notes\",\"version\":\"1.0.0\",\"dist\":{{\"integrity\":\"sha512-{sum}\",\
                     \"tarball\":\"http://{host}/notes.tgz\"}}}}}}}}"
                ),
            ),
            "/notes.tgz" => Replied::new(200, &[], package.clone()),
            _ => Replied::new(404, &[], ""),
        }
    });
    let manifest =
        "{\"name\":\"user\",\"version\":\"1.0.0\",\"dependencies\":{\"notes\":\"1.0.0\"}}";
    home.write(&home.path("home/user/package.json"), manifest);
    home.write(&home.path("home/.npmrc"), &format!("registry={}/\n", registry.origin));
    (home, registry)
}

fn installed(home: &Home) -> PathBuf {
    home.path("home/user/node_modules/notes/package.json")
}

#[test]
fn npm_installs_with_the_token_of_exec() {
    let (home, registry) = project();
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    home.config(&format!("{config}[credential.npm.\"{}\"]\nprofile = \"p\"\n", registry.origin));
    home.run(["credential", "setup", "npm"]).ok();
    let install = ["npm", "install", "--prefix", "user", "--no-audit", "--no-fund"];
    home.run(["exec", "-p", "p", "--"].iter().chain(&install)).ok();
    assert!(installed(&home).is_file());
}

#[test]
fn pnpm_installs_with_the_link_as_token_helper() {
    let (home, registry) = project();
    let link = home.path("home/oauthctl-token-p");
    symlink(program(), &link).unwrap();
    let authority = registry.origin.strip_prefix("http:").unwrap();
    let rc = home.path("home/.npmrc");
    let line = format!("{authority}/:tokenHelper={}\n", link.display());
    home.write(&rc, &(std::fs::read_to_string(&rc).unwrap() + &line));
    let pnpm = tests_dir("servers/node_modules/pnpm/bin/pnpm.mjs");
    run(&home, &["node", pnpm.to_str().unwrap(), "--dir", "user", "install"]);
    assert!(installed(&home).is_file());
}
