//! Links GCC's unwinder into the program on Linux with glibc, where the compiler has it as a static library.
//!
//! Rust's standard library asks the linker for `libgcc_s`. To find, map and relocate that library, and to let it
//! ask the processor for its features, takes a noticeable part of a run that only prints a stored token. A
//! directory that the linker searches first gives it another file of this name: a linker script that names the
//! static library. Wherever anything is unclear (another system, a cross build, a linker named in `RUSTFLAGS`), the
//! program is linked as usual.

#![expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script everything in variables"
)]

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let Some(library) = static_unwinder() else { return };
    // Another version of the compiler has it at another place.
    println!("cargo::rerun-if-changed={}", library.display());
    if let Some(directory) = linker_script(&library) {
        println!("cargo::rustc-link-arg-bins=-L{}", directory.display());
    }
}

/// The static library, as the compiler that links knows it.
fn static_unwinder() -> Option<PathBuf> {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let has = |name: &str, part: &str| env::var(name).is_ok_and(|found| found.contains(part));
    if !is("CARGO_CFG_TARGET_OS", "linux")
        || !is("CARGO_CFG_TARGET_ENV", "gnu")
        || env::var_os("TARGET") != env::var_os("HOST")
        || has("CARGO_CFG_TARGET_FEATURE", "crt-static")
        || has("CARGO_ENCODED_RUSTFLAGS", "linker")
    {
        return None;
    }
    let linker = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let asked = Command::new(linker).arg("-print-file-name=libgcc_eh.a").output().ok()?;
    let library = PathBuf::from(String::from_utf8(asked.stdout).ok()?.trim_end());
    // A compiler without the library repeats the name.
    (asked.status.success() && library.is_absolute() && library.is_file()).then_some(library)
}

/// A directory with the linker script.
fn linker_script(library: &Path) -> Option<PathBuf> {
    let library = library.to_str().filter(|path| !path.contains(['"', '\n']))?;
    let directory = PathBuf::from(env::var_os("OUT_DIR")?);
    std::fs::write(directory.join("libgcc_s.so"), format!("INPUT(\"{library}\")\n")).ok()?;
    Some(directory)
}
