//! What the tests of the command line prepare, and how they compare texts.

pub use crate::support::{
    FAR, PROFILE, REFRESH, Sandbox, TOKEN, grant, plant, planted, with_sandbox,
};

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::support::Home;

/// A home that is logged in at a sandbox with this scenario.
pub fn logged_in(scenario: Option<&str>) -> (Home, Sandbox) {
    let (home, sandbox) = with_sandbox(scenario);
    home.run(["login", "s"]).ok();
    (home, sandbox)
}

/// Returns the program in a directory of its own, where no `oauthctl-broker` is beside it.
pub fn alone() -> &'static Path {
    static ALONE: OnceLock<PathBuf> = OnceLock::new();
    ALONE.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("alone");
        std::fs::create_dir_all(&directory).unwrap();
        let (own, new) =
            (directory.join("oauthctl"), directory.join(std::process::id().to_string()));
        let program = env!("CARGO_BIN_EXE_oauthctl");
        std::fs::hard_link(program, &new)
            .or_else(|_| std::fs::copy(program, &new).map(drop))
            .unwrap();
        std::fs::rename(&new, &own).unwrap();
        // Renaming one link of a file to another one does nothing.
        let _ = std::fs::remove_file(&new);
        own
    })
}

/// What differs from run to run, replaced by names.
pub fn settled(home: &Home, text: &str) -> String {
    let text = text.replace(home.root().to_str().unwrap(), "HOME");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("127.0.0.1:") {
        let (head, tail) = rest.split_at(at + "127.0.0.1:".len());
        let digits = tail.bytes().take_while(u8::is_ascii_digit).count();
        out.push_str(head);
        out.push_str("PORT");
        rest = &tail[digits..];
    }
    out + rest
}
