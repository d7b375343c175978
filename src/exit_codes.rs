//! The exit codes, as help and manual pages list them. All come from the kinds of errors, except the one for a reader of
//! stdout that ends early.

use oauthctl_core::ErrorKind;

use crate::ui::BROKEN_PIPE;

/// Returns each exit code, and what it means in a sentence.
pub fn table() -> Vec<(String, String)> {
    let kinds = distinct().map(|kind| {
        let code = match kind {
            ErrorKind::Interrupted => "130, 143".to_owned(),
            kind => kind.exit_code().to_string(),
        };
        (code, format!("`{}`: {}.", kind.word(), kind.meaning()))
    });
    let pipe = "the reader of stdout ended before the end of the output; no error message is printed (128 + SIGPIPE).";
    let first = ("0".to_owned(), "success.".to_owned());
    let last = (BROKEN_PIPE.to_string(), pipe.to_owned());
    [first].into_iter().chain(kinds).chain([last]).collect()
}

/// Returns a short list in two columns.
pub fn list() -> String {
    let kinds = distinct().map(|kind| (kind.exit_code(), kind.title()));
    let all: Vec<(u8, &str)> = [(0, "success")].into_iter().chain(kinds).collect();
    let (left, right) = all.split_at(all.len().div_ceil(2));
    let mut text = "Exit codes:".to_owned();
    for (at, (code, title)) in left.iter().enumerate() {
        let first = format!("{code}  {title}");
        let line = match right.get(at) {
            Some((code, title)) => format!("{first:<25}{code:>3}  {title}"),
            None => first,
        };
        text += &format!("\n   {line}");
    }
    text
}

/// Returns the kinds that have exit codes of their own.
fn distinct() -> impl Iterator<Item = ErrorKind> {
    // The other one is for callers of the library.
    ErrorKind::ALL.into_iter().filter(|kind| *kind != ErrorKind::InvalidState)
}
