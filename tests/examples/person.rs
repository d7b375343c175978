//! A user whose browser has cookies but no scripts: what a site may rely on, and no more.

use std::io::{Read, Write};
use std::net::TcpStream;

use url::Url;

use crate::support::{DEADLINE, await_some};

/// The state of a browser.
#[derive(Default)]
pub struct Person {
    cookies: Vec<Cookie>,
}

struct Cookie {
    name: String,
    value: String,
    path: String,
    attributes: String,
}

/// A response.
#[derive(Debug)]
pub struct Page {
    pub url: Url,
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Page {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The page, if it has this status.
    #[track_caller]
    pub fn with(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}\n{}\n{}", self.url, self.head, self.body);
        self
    }
}

/// Waits until anything with a lifetime of at most a second has expired by the wall clock, which has whole
/// seconds.
pub fn let_a_second_pass() {
    let now = || std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let begun = now();
    await_some("the next second but one", || (now() >= begun + 2).then_some(()));
}

impl Person {
    /// Goes to a URL, and on to wherever it leads.
    #[track_caller]
    pub fn open(&mut self, url: &str) -> Page {
        let first = self.get(url);
        self.follow(first, |_| false)
    }

    /// Clicks a button of a form on the page at this URL, and goes to wherever that leads.
    #[track_caller]
    pub fn click(&mut self, at: &str, action: &str, form: &str) -> Page {
        let first = self.post(at, action, form);
        self.follow(first, |_| false)
    }

    /// The same, but stops before the site's callback, and gives its URL.
    #[track_caller]
    pub fn click_until_callback(&mut self, at: &str, action: &str, form: &str) -> String {
        let callback = Url::parse(at).unwrap().join("/callback").unwrap();
        let is_callback = |url: &Url| url.as_str().starts_with(callback.as_str());
        let first = self.post(at, action, form);
        let last = self.follow(first, is_callback);
        last.header("location").unwrap().to_owned()
    }

    /// What this browser has of a site's own, as a `Cookie` header.
    pub fn cookies_for(&self, path: &str) -> String {
        let sent = self.cookies.iter().filter(|cookie| path.starts_with(&cookie.path));
        let pairs: Vec<String> = sent.map(|c| format!("{}={}", c.name, c.value)).collect();
        pairs.join("; ")
    }

    /// The attributes of the cookies whose name begins so.
    pub fn attributes(&self, prefix: &str) -> Vec<&str> {
        let named = self.cookies.iter().filter(|cookie| cookie.name.starts_with(prefix));
        named.map(|cookie| cookie.attributes.as_str()).collect()
    }

    #[track_caller]
    fn follow(&mut self, mut page: Page, stop: impl Fn(&Url) -> bool) -> Page {
        for _ in 0..20 {
            let Some(location) = page.header("location") else { return page };
            let next = page.url.join(location).unwrap();
            if stop(&next) {
                return page;
            }
            page = self.get(next.as_str());
        }
        panic!("redirected for ever: {}", page.url);
    }

    #[track_caller]
    pub fn get(&mut self, url: &str) -> Page {
        self.send(url, "GET", "", "")
    }

    /// Sends a form from the page at this URL, as a browser does.
    #[track_caller]
    pub fn post(&mut self, at: &str, action: &str, form: &str) -> Page {
        let at = Url::parse(at).unwrap();
        let origin = format!("Origin: {}\r\n", at.origin().ascii_serialization());
        self.send(at.join(action).unwrap().as_str(), "POST", &origin, form)
    }

    /// Sends a request with these further headers.
    #[track_caller]
    pub fn send(&mut self, url: &str, method: &str, headers: &str, body: &str) -> Page {
        let url = Url::parse(url).unwrap();
        let authority = url.authority().to_owned();
        let host = match headers.contains("Host: ") {
            true => String::new(),
            false => format!("Host: {authority}\r\n"),
        };
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let cookies = self.cookies_for(url.path());
        let mut stream = TcpStream::connect(&authority).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        // Of HTTP/1.0, so that the answer ends where the connection does.
        write!(
            stream,
            "{method} {target} HTTP/1.0\r\n{host}{headers}Cookie: {cookies}\r\nContent-Type: \
             application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let page = Page { url, status, head: head.to_owned(), body: body.to_owned() };
        self.keep_cookies(&page);
        page
    }

    fn keep_cookies(&mut self, page: &Page) {
        let lines = page.head.lines().filter_map(|line| line.split_once(": "));
        for (_, line) in lines.filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")) {
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').unwrap();
            let attribute = |name: &str| {
                let mut all = attributes.split(';').filter_map(|a| a.trim().split_once('='));
                all.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
            };
            let path = attribute("path").unwrap_or("/").to_owned();
            self.cookies.retain(|known| (&*known.name, &known.path) != (name, &path));
            let is_over = attribute("max-age") == Some("0")
                || attribute("expires").is_some_and(|date| date.contains("1970"));
            if !is_over {
                let (name, value) = (name.to_owned(), value.to_owned());
                self.cookies.push(Cookie { name, value, path, attributes: attributes.to_owned() });
            }
        }
    }
}
