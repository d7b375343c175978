//! Makes short runs of the program shorter, on Linux with glibc. A run that only prints a stored token takes about a
//! millisecond, most of which the system needs to load the program.
//!
//! # Unwinder
//!
//! Rust's standard library asks the linker for `libgcc_s`. To find, map and relocate that library, and to let it
//! ask the processor for its features, takes a noticeable part of a run that only prints a stored token. A
//! directory that the linker searches first gives it another file of this name: a linker script that names the
//! static library.
//!
//! # Order of functions
//!
//! Such a run calls some 500 functions, which the linker scatters over 8 MB of code. Release builds have them side by
//! side, as `packaging/startup.ld` says. Its names are those of `-C symbol-mangling-version=v0` (see
//! `.cargo/config.toml`): without it most of them are unknown, and the functions stay where they are.
//!
//! Wherever anything is unclear (another system, a cross build, a linker named in `RUSTFLAGS`), the program is linked
//! as usual.

#![expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script everything in variables"
)]

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Functions of short runs, for the linker.
const STARTUP_ORDER: &str = "packaging/startup.ld";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if !is_usual_build() {
        return;
    }
    if let Some(library) = static_unwinder() {
        // Another version of the compiler has it at another place.
        println!("cargo::rerun-if-changed={}", library.display());
        if let Some(directory) = linker_script(&library) {
            println!("cargo::rustc-link-arg-bins=-L{}", directory.display());
        }
    }
    println!("cargo::rerun-if-changed={STARTUP_ORDER}");
    if let Some(script) = startup_order() {
        println!("cargo::rustc-link-arg-bins=-T{}", script.display());
    }
}

/// Whether the program is built for this system, with glibc as a shared library and the usual linker.
fn is_usual_build() -> bool {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let has = |name: &str, part: &str| env::var(name).is_ok_and(|found| found.contains(part));
    is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && env::var_os("TARGET") == env::var_os("HOST")
        && !has("CARGO_CFG_TARGET_FEATURE", "crt-static")
        // `linker=`, `link-arg=-fuse-ld=`, `link-self-contained` and the like.
        && !has("CARGO_ENCODED_RUSTFLAGS", "link")
}

/// GCC's static unwinder, as the compiler that links knows it.
fn static_unwinder() -> Option<PathBuf> {
    let asked = Command::new(linker()).arg("-print-file-name=libgcc_eh.a").output().ok()?;
    let library = PathBuf::from(String::from_utf8(asked.stdout).ok()?.trim_end());
    // A compiler without the library repeats the name.
    (asked.status.success() && library.is_absolute() && library.is_file()).then_some(library)
}

/// The linker script that sorts functions, where the linker of this system can read it. Only optimized builds have each
/// of the functions in one place.
fn startup_order() -> Option<PathBuf> {
    let script = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR")?).join(STARTUP_ORDER);
    if env::var("PROFILE").as_deref() != Ok("release") {
        return None;
    }
    let probe = PathBuf::from(env::var_os("OUT_DIR")?).join("probe");
    let mut command = Command::new(linker());
    command.args(["-shared", "-nostdlib", "-x", "c", "/dev/null", "-T"]).arg(&script);
    let linked = command.arg("-o").arg(probe).output().ok()?;
    linked.status.success().then_some(script)
}

/// The compiler that links.
fn linker() -> OsString {
    env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into())
}

/// A directory with the linker script.
fn linker_script(library: &Path) -> Option<PathBuf> {
    let library = library.to_str().filter(|path| !path.contains(['"', '\n']))?;
    let directory = PathBuf::from(env::var_os("OUT_DIR")?);
    std::fs::write(directory.join("libgcc_s.so"), format!("INPUT(\"{library}\")\n")).ok()?;
    Some(directory)
}
