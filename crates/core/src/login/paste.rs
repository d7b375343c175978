//! Callbacks that the user pastes: the whole URL from the browser's address bar, or its query.

use std::io::{BufRead, Read};

use tokio::sync::mpsc;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::protocol::callback::{Parameters, parse_query, to_text};
use crate::protocol::response::{Parts, without_paste_markers};
use crate::secret::Secret;
use crate::text::one_line;

#[cfg(unix)]
use super::terminal::{Echo, Input, Lines, Terminal};

/// Maximum size of one pasted line, in bytes.
const LINE_LIMIT: usize = 64 * 1024;

/// How many lines may wait to be read.
const LINES: usize = 4;

/// How many lines of a terminal may wait; more than a user types meanwhile.
#[cfg(unix)]
const TYPED_LINES: usize = 64;

/// What was pasted.
#[derive(Debug)]
pub struct Pasted {
    /// The parameters.
    pub parameters: Parameters,
    /// Whether the URL was included, so that it is known where the response was received.
    pub has_place: bool,
}

/// Parses a pasted callback: a URL that equals the redirect URI up to its query, or the query alone (with
/// or without its `?`). The parameters follow the same rules as those of the listener.
///
/// # Errors
///
/// Returns [`Validation`](crate::ErrorKind::Validation) for another scheme, host, port or path, for a text
/// that is not a callback, and for parameters that [`parse_query`] or [`Parameters::require_response`]
/// refuses. No message repeats what was pasted.
pub fn parse_pasted(pasted: &str, redirect_uri: &str) -> Result<Pasted> {
    let text = unquote(pasted);
    let url = Parts::of(text);
    let has_place = url.is_some();
    let query = match url {
        Some(url) => {
            let expected = Parts::of(redirect_uri)
                .ok_or_else(|| Error::internal("the redirect URI is not a URL"))?;
            if let Some(what) = url.differs_from(&expected) {
                let text = format!(
                    "the pasted URL has a different {what} than the redirect URI of this login"
                );
                return Err(Error::validation(text).hint(what_to_paste(redirect_uri)));
            }
            url.query
        }
        None if text.contains('=') => {
            text.split('#').next().unwrap_or_default().trim_start_matches('?')
        }
        None => {
            let text = "the pasted text is not the callback URL";
            return Err(Error::validation(text).hint(what_to_paste(redirect_uri)));
        }
    };
    let explain = |error: Error| {
        error.context("cannot use the pasted callback").hint(what_to_paste(redirect_uri))
    };
    let parameters = parse_query(query).map_err(explain)?;
    if parameters.get("state").is_none() && parameters.get("code").is_some() {
        let what = "it ends before its `state`; it may be incomplete";
        return Err(explain(Error::validation(what)));
    }
    parameters.require_response().map_err(explain)?;
    Ok(Pasted { parameters, has_place })
}

/// Returns what to paste, as a hint.
pub(super) fn what_to_paste(redirect_uri: &str) -> String {
    let begin = one_line(redirect_uri);
    format!(
        "after you log in, paste the whole URL from the browser's address bar, which begins with `{begin}`"
    )
}

/// Returns whether the pasted text is a URL that equals another one up to its query.
pub(super) fn is_same_page(pasted: &str, url: &str) -> bool {
    let places = (Parts::of(unquote(pasted)), Parts::of(url));
    matches!(places, (Some(pasted), Some(url)) if pasted.differs_from(&url).is_none())
}

fn unquote(text: &str) -> &str {
    let text = without_paste_markers(text).trim();
    [('"', '"'), ('\'', '\''), ('<', '>')]
        .into_iter()
        .find_map(|(open, close)| text.strip_prefix(open)?.strip_suffix(close))
        .map_or(text, str::trim)
}

/// Lines that arrive on standard input while the program waits for something else.
///
/// A separate thread reads them; it ends with the process and does not keep it alive. A terminal is in a
/// special mode until this is dropped.
#[derive(Debug)]
pub struct PastedLines {
    lines: mpsc::Receiver<Result<Secret>>,
    #[cfg(unix)]
    terminal: Option<Terminal>,
}

impl PastedLines {
    /// Reads standard input. Call it once per process.
    pub fn from_stdin() -> Self {
        Self::on_stdin(false)
    }

    /// Reads standard input, including blank lines from a terminal. Call it once per process.
    pub fn with_blank_lines() -> Self {
        Self::on_stdin(true)
    }

    #[cfg_attr(not(unix), expect(unused_variables, reason = "there is no special mode"))]
    fn on_stdin(has_blank_lines: bool) -> Self {
        #[cfg(unix)]
        if let Some(terminal) = Terminal::on_stdin(Echo::Shown) {
            let mut input = terminal.lines(LINE_LIMIT);
            let lines = in_thread(TYPED_LINES, move |lines| {
                while let Some(line) = typed(&mut input, has_blank_lines) {
                    // Reading continues whatever happens to the line: keys send signals.
                    let _ = lines.try_send(line);
                }
            });
            return Self { lines, terminal: Some(terminal) };
        }
        Self::from_reader(|| std::io::stdin().lock())
    }

    /// Reads what `open` returns; it is called in the reading thread.
    pub fn from_reader<R: BufRead>(open: impl FnOnce() -> R + Send + 'static) -> Self {
        let lines = in_thread(LINES, move |lines| {
            let mut reader = open();
            while let Some(line) = read_line(&mut reader) {
                if lines.blocking_send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            lines,
            #[cfg(unix)]
            terminal: None,
        }
    }

    /// Returns whether the time that is left may be shown now.
    pub(super) fn may_show_status(&self) -> bool {
        #[cfg(unix)]
        if let Some(terminal) = &self.terminal {
            return terminal.may_show_status();
        }
        true
    }

    /// Returns the next line, or `None` at the end of the input. Blank lines are skipped unless
    /// requested. Dropping the future at
    /// any time loses no line.
    ///
    /// # Errors
    ///
    /// Returns [`Validation`](crate::ErrorKind::Validation) for a line over 64 KiB; the next one can be
    /// read after it.
    pub async fn next(&mut self) -> Option<Result<Secret>> {
        self.lines.recv().await
    }
}

/// Runs a reader in a separate thread. If the thread cannot be started, the channel closes, as at the end
/// of the input.
fn in_thread(
    capacity: usize,
    read: impl FnOnce(mpsc::Sender<Result<Secret>>) + Send + 'static,
) -> mpsc::Receiver<Result<Secret>> {
    let (sender, receiver) = mpsc::channel(capacity);
    let thread = std::thread::Builder::new().name("pasted lines".to_owned());
    let _ = thread.spawn(move || read(sender));
    receiver
}

/// Returns the next line of a terminal. Blank lines are skipped unless requested.
#[cfg(unix)]
fn typed(input: &mut Lines, has_blank_lines: bool) -> Option<Result<Secret>> {
    let line = if has_blank_lines { input.read() } else { input.read_filled() };
    match line {
        Input::Line(line) => Some(Ok(Secret::new(to_text(&line).trim()))),
        Input::TooLong => Some(Err(too_long())),
        Input::End => None,
    }
}

fn too_long() -> Error {
    Error::validation("the pasted line is longer than 64 KiB")
}

/// Returns the next line that is not blank. A failing input is treated as ended.
fn read_line(reader: &mut impl BufRead) -> Option<Result<Secret>> {
    loop {
        let mut line = Zeroizing::new(Vec::new());
        let limit = u64::try_from(LINE_LIMIT + 1).unwrap_or(u64::MAX);
        let read = reader.by_ref().take(limit).read_until(b'\n', &mut line).ok()?;
        if read == 0 {
            return None;
        }
        if line.last() != Some(&b'\n') && line.len() > LINE_LIMIT {
            reader.skip_until(b'\n').ok()?;
            return Some(Err(too_long()));
        }
        match to_text(&line).trim() {
            "" => {}
            text => return Some(Ok(Secret::new(text))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "http://127.0.0.1:4711/callback";

    fn parse(text: &str) -> Result<Parameters> {
        parse_pasted(text, URI).map(|pasted| pasted.parameters)
    }

    #[test]
    fn pasted_url_or_its_query_is_accepted() {
        for text in [
            "http://127.0.0.1:4711/callback?code=c%2B&state=s",
            "  'http://127.0.0.1:4711/callback?code=c%2B&state=s'\r\n",
            "<HTTP://127.0.0.1:4711/callback?code=c%2B&state=s#_=_>",
            "?code=c%2B&state=s",
            "code=c%2B&state=s#",
            "code=c%2B&state=s&error_description=a%0D%0Ab%&x=%FC&x=%1b[2J",
        ] {
            assert_eq!(parse(text).expect(text).get("code"), Some("c+"), "{text}");
        }
    }

    #[test]
    fn callback_at_another_redirect_uri_is_refused() {
        for text in [
            "https://127.0.0.1:4711/callback?code=SECRET&state=s",
            "http://localhost:4711/callback?code=SECRET&state=s",
            "http://127.0.0.1:4712/callback?code=SECRET&state=s",
            "http://127.0.0.1/callback?code=SECRET&state=s",
            "http://127.0.0.1:47110/callback?code=SECRET&state=s",
            "http://user@127.0.0.1:4711/callback?code=SECRET&state=s",
            "http://127.0.0.1:4711/callback/?code=SECRET&state=s",
            "http://127.0.0.1:4711/Callback?code=SECRET&state=s",
            "http://127.0.0.1:4711?code=SECRET&state=s",
            "http://evil.example/?u=http://127.0.0.1:4711/callback?code=SECRET&state=s",
            "http://127.0.0.1:4711/callback#code=SECRET&state=s",
            "http://127.0.0.1:4711/callback?code=SECRET",
            "http://127.0.0.1:4711/callback?code=SECRET&code=b&state=s",
            "http://127.0.0.1:4711/callback?code=SECRET%0a&state=s",
            "SECRET",
            "",
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!(error.kind(), crate::ErrorKind::Validation, "{text}");
            assert!(
                !error.advice().is_empty() && !format!("{error:?}").contains("SECRET"),
                "{text}"
            );
        }
    }

    #[test]
    fn default_port_and_empty_path_are_equivalent() {
        for (text, uri) in [
            ("http://localhost/cb?code=c&state=s", "http://localhost:80/cb"),
            ("http://localhost:9/?code=c&state=s", "http://localhost:9"),
            ("https://app.example/cb?error=e&state=s", "https://app.example:443/cb"),
            ("http://[::1]:9/cb?code=c&state=s", "http://[::1]:9/cb"),
        ] {
            assert!(parse_pasted(text, uri).is_ok(), "{text}");
        }
    }

    #[test]
    fn lines_are_read_one_by_one_and_bounded() {
        let long = "x".repeat(LINE_LIMIT + 1);
        let exact = "y".repeat(LINE_LIMIT);
        let input = format!("\n  \none\r\n{long}\n{exact}\n\u{e4}\nlast").into_bytes();
        let input = [input, b"\n\xff\xfe\nend".to_vec()].concat();
        let mut lines = PastedLines::from_reader(move || std::io::Cursor::new(input));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let read: Vec<String> = runtime.block_on(async {
            let mut read = Vec::new();
            while let Some(line) = lines.next().await {
                read.push(line.map_or("refused".to_owned(), |line| line.expose().to_owned()));
            }
            read
        });
        assert_eq!(read, ["one", "refused", &exact, "ä", "last", "%FF%FE", "end"]);
    }
}
