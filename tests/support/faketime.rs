//! A program that believes in another time.

use std::process::Command;

/// Where `ld.so` finds the library, on every Linux that packages it.
pub const FAKETIME: &str = "/usr/$LIB/faketime/libfaketime.so.1";

/// Lets `command` see its clock this far away, such as `+25h`.
///
/// The program `faketime` does the same, but it names shared memory after its process id and leaves it behind
/// when it is killed: a later one with the same id refuses to start. The library itself reuses what it finds.
pub fn shift_clock<'a>(command: &'a mut Command, offset: &str) -> &'a mut Command {
    command.env("LD_PRELOAD", FAKETIME).env("FAKETIME", offset).env("FAKETIME_DISABLE_SHM", "1")
}
