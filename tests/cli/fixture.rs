//! What the tests of the command line prepare, and how they compare texts.

pub use crate::support::{
    FAR, PROFILE, REFRESH, Sandbox, TOKEN, grant, plant, planted, with_sandbox,
};

use std::path::{Path, PathBuf};

use crate::support::Home;

/// Puts the program into a directory of its own, where no `oauthctl-broker` is beside it.
pub fn alone(directory: &Path) -> PathBuf {
    let own = directory.join("oauthctl");
    if !own.exists() {
        std::fs::create_dir_all(directory).unwrap();
        let program = env!("CARGO_BIN_EXE_oauthctl");
        std::fs::hard_link(program, &own)
            .or_else(|_| std::fs::copy(program, &own).map(drop))
            .unwrap();
    }
    own
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
