//! An index of a large configuration file, stored in the state directory, so that a command that needs one
//! profile does not parse ten thousand.
//!
//! It is created from a file without errors and is valid for exactly that content. For each profile it
//! contains the location of its text in the file, its server, and what the other profiles mean for its
//! redirect URI. It contains no secrets.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;

use super::Profile;
use super::callbacks::{self, Party};
use super::config::Config;
use super::config_file::ConfigFile;
use super::node::{Entry, Node, Table, Value, find};
use super::redirect_uri::Callback;
use super::rules::Rule;
use super::server::Server;
use crate::digest::hex_sha256;
use crate::error::Result;
use crate::files::cache::{Cache, Text};

/// The minimum size of a file with a catalog: parsing a smaller one takes no longer than reading the
/// catalog.
const LARGE: usize = 64 * 1024;

/// Prefixes of head lines that could be empty.
const DEFAULT: &str = "default: ";
const COMMON: &str = "common: ";

/// Separator between two places of one profile.
const BETWEEN_PLACES: &str = "\u{1f}";

/// Maximum distance between the start of a header and its key; the header is searched only there.
const LONGEST_HEADER: usize = 1024;

/// An index of a configuration file, for programs that need one of many profiles: reading it is faster than parsing the
/// file.
///
/// ```
/// # fn main() -> oauthctl_core::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let (path, state_dir) = (folder.path().join("config.toml"), folder.path().join("state"));
/// # std::fs::write(&path, "[profiles.p]\nissuer = 'https://as.example'\nclient_id = 'c'\n").unwrap();
/// use oauthctl_core::profile::{Catalog, ConfigFile};
///
/// let file = ConfigFile::open(&path)?.expect("the file exists");
/// let config = match Catalog::open(&state_dir, &file).and_then(|catalog| catalog.narrowed("p")) {
///     Some(only_this_profile) => only_this_profile,
///     // The file is small, or new: the next call finds its catalog.
///     None => file.parse_and_catalog(&state_dir)?,
/// };
/// assert_eq!(config.profile("p")?.client.id, "c");
/// # Ok(()) }
/// ```
pub struct Catalog {
    /// A head, and a line for each profile, sorted by name.
    text: String,
    file: ConfigFile,
}

impl std::fmt::Debug for Catalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Catalog({})", self.file.path().display())
    }
}

/// Returns the cache of the catalogs, in the state directory.
fn catalogs(state_dir: &Path) -> Cache<Text> {
    Cache::within(state_dir, "resolved")
}

/// The lines before those of the profiles.
struct Head<'c> {
    default_profile: Option<&'c str>,
    /// The text that belongs to no profile.
    common: &'c str,
    warnings: std::str::Lines<'c>,
}

/// The line of one profile.
struct Line<'c> {
    name: &'c str,
    /// The location of its text.
    ranges: &'c str,
    callback: Callback,
    takes_part: bool,
    issuer: Option<&'c str>,
    endpoints: [Option<&'c str>; 2],
    places: &'c str,
}

impl ConfigFile {
    /// Parses and validates the whole file, and keeps a [`Catalog`] of a large file in the state directory.
    ///
    /// # Errors
    /// See [`ConfigFile::parse`].
    pub fn parse_and_catalog(&self, state_dir: &Path) -> Result<Config> {
        let (config, root) = self.read(self.text()?, false)?;
        Catalog::store(state_dir, self, &config, &root);
        Ok(config)
    }
}

impl Catalog {
    /// Opens the catalog of exactly this file, if there is one.
    pub fn open(state_dir: &Path, file: &ConfigFile) -> Option<Self> {
        if file.bytes().len() < LARGE {
            return None;
        }
        let text = catalogs(state_dir).find_text(&file_name(file))?;
        let catalog = Self { text, file: file.clone() };
        (catalog.text.lines().next() == Some(file.fingerprint())).then_some(catalog)
    }

    /// Creates and stores the catalog of the file from which `config` was read. It is an optimisation: if
    /// it cannot be stored, the next run parses the file again.
    fn store(state_dir: &Path, file: &ConfigFile, config: &Config, root: &Table) {
        let Some(text) = written(file, config, root) else { return };
        // After a power cut it is the old one or the new one: a large file is not parsed twice.
        catalogs(state_dir).keep_text(&file_name(file), &text);
    }

    /// Returns the default profile.
    pub fn default_profile(&self) -> Option<&str> {
        self.head()?.default_profile
    }

    /// Returns the rules of the file, which belong to no profile.
    pub fn rules(&self) -> Option<Vec<Rule>> {
        let common = read_ranges(self.head()?.common)?;
        Some(self.file.parse_part(&common)?.rules)
    }

    /// Returns the names of all profiles, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.lines().map(|line| line.name)
    }

    /// Returns the warnings about the file, each with its position.
    pub fn warnings(&self) -> Vec<String> {
        self.head().map(|head| head.warnings.map(str::to_owned).collect()).unwrap_or_default()
    }

    /// Returns the configuration with only this profile, or `None` if there is no such profile.
    pub fn narrowed(&self, name: &str) -> Option<Config> {
        let line = self.lines().find(|line| line.name == name)?;
        let mut ranges = read_ranges(self.head()?.common)?;
        ranges.extend(read_ranges(line.ranges)?);
        ranges.sort_by_key(|range| range.start);
        let mut config = self.file.parse_part(&ranges)?;
        config.profiles.retain(|known, _| known == name);
        config.profiles.get_mut(name)?.callback = line.callback;
        config.warnings = self.warnings();
        Some(config)
    }

    /// Returns the names of the profiles that [`Config::sharing_a_callback`] would find.
    pub fn sharing_a_callback<'c>(&'c self, profile: &'c Profile) -> impl Iterator<Item = &'c str> {
        self.others(profile, true)
    }

    /// Returns the names of the profiles that [`Config::of_other_servers`] would find.
    pub fn of_other_servers<'c>(&'c self, profile: &'c Profile) -> impl Iterator<Item = &'c str> {
        self.others(profile, false)
    }

    fn others<'c>(&'c self, profile: &'c Profile, sharing: bool) -> impl Iterator<Item = &'c str> {
        let own = Party::of(profile);
        let own_places: HashSet<String> = callbacks::places(&profile.redirect_uris).collect();
        self.lines().filter_map(move |line| {
            let other = line.party();
            let shares = || {
                let mut places = line.places.split(BETWEEN_PLACES);
                !own.callback.own_path
                    && !other.callback.own_path
                    && places.any(|place| own_places.contains(place))
            };
            (own.could_be_mixed_up_with(&other) && (!sharing || shares())).then_some(line.name)
        })
    }

    fn head(&self) -> Option<Head<'_>> {
        let (head, _) = self.text.split_once("\n\n")?;
        let mut lines = head.lines();
        let (_, default, common) = (lines.next()?, lines.next()?, lines.next()?);
        let default_profile = default.strip_prefix(DEFAULT)?;
        Some(Head {
            default_profile: Some(default_profile).filter(|name| !name.is_empty()),
            common: common.strip_prefix(COMMON)?,
            warnings: lines,
        })
    }

    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let (_, lines) = self.text.split_once("\n\n").unwrap_or_default();
        lines.lines().filter_map(Line::read)
    }
}

impl<'c> Line<'c> {
    fn read(line: &'c str) -> Option<Self> {
        let mut fields = line.split('\t');
        let (name, ranges, flags) = (fields.next()?, fields.next()?, fields.next()?);
        let mut some = || fields.next().map(|field| Some(field).filter(|field| !field.is_empty()));
        let (issuer, endpoints) = (some()?, [some()?, some()?]);
        let has = |flag: char| flags.contains(flag);
        Some(Self {
            name,
            ranges,
            callback: Callback { own_path: has('o'), server_of_preset: has('p') },
            takes_part: has('c'),
            issuer,
            endpoints,
            places: some()?.unwrap_or_default(),
        })
    }

    fn party(&self) -> Party<'c> {
        Party {
            name: self.name,
            takes_part: self.takes_part,
            callback: self.callback,
            server: Server { issuer: self.issuer, endpoints: self.endpoints },
        }
    }
}

fn file_name(file: &ConfigFile) -> String {
    let place = std::path::absolute(file.path()).unwrap_or_else(|_| file.path().to_owned());
    let name = hex_sha256(&[place.as_os_str().as_encoded_bytes()]);
    format!("profiles-{}.tsv", &name[..16])
}

/// Returns the catalog as text; `None` if the file needs none, or if it could not be read back.
fn written(file: &ConfigFile, config: &Config, root: &Table) -> Option<String> {
    let source = file.text().ok().filter(|text| text.len() >= LARGE)?;
    let Value::Table(tables) = &find(root, "profiles")?.node.value else { return None };
    let parts = Parts::of(source, root, tables);
    let mut text = String::new();
    let default = format!("{DEFAULT}{}", config.default_profile().unwrap_or_default());
    let common = format!("{COMMON}{}", shown_ranges(&parts.common));
    let head = [file.fingerprint(), &default, &common].into_iter();
    for line in head.chain(config.warnings.iter().map(String::as_str)) {
        text.push_str(plain(line)?);
        text.push('\n');
    }
    text.push('\n');
    let names = tables.iter().map(|entry| entry.key.as_str());
    let own: HashMap<&str, &Vec<Range<usize>>> = names.zip(&parts.own).collect();
    for profile in config.profiles.values() {
        text.push_str(&line(profile, own.get(profile.name.as_str())?)?);
    }
    Some(text)
}

fn line(profile: &Profile, own: &[Range<usize>]) -> Option<String> {
    let party = Party::of(profile);
    let flags: String = [
        ('c', party.takes_part),
        ('o', party.callback.own_path),
        ('p', party.callback.server_of_preset),
    ]
    .into_iter()
    .filter_map(|(flag, is_set)| is_set.then_some(flag))
    .collect();
    let [authorization, token] = party.server.endpoints.map(Option::unwrap_or_default);
    let issuer = party.server.issuer.unwrap_or_default();
    let places: Vec<String> = callbacks::places(&profile.redirect_uris).collect();
    let (ranges, places) = (shown_ranges(own), places.join(BETWEEN_PLACES));
    let fields =
        [party.name, ranges.as_str(), flags.as_str(), issuer, authorization, token, &places];
    let fields: Option<Vec<&str>> = fields.into_iter().map(plain).collect();
    Some(fields?.join("\t") + "\n")
}

/// Returns the text, unless it would be read as more than one field.
fn plain(text: &str) -> Option<&str> {
    (!text.contains(['\t', '\n', '\r'])).then_some(text)
}

fn shown_ranges(ranges: &[Range<usize>]) -> String {
    let ranges: Vec<String> = ranges.iter().map(|r| format!("{}-{}", r.start, r.end)).collect();
    ranges.join(" ")
}

fn read_ranges(text: &str) -> Option<Vec<Range<usize>>> {
    let range = |text: &str| {
        let (start, end) = text.split_once('-')?;
        Some(start.parse().ok()?..end.parse().ok()?)
    };
    text.split(' ').filter(|range| !range.is_empty()).map(range).collect()
}

/// The parts of a file: its text from one table header to the next.
struct Parts {
    /// Parts that belong to no single profile.
    common: Vec<Range<usize>>,
    /// Parts of each profile, in the order of the table of profiles.
    own: Vec<Vec<Range<usize>>>,
}

/// The owner of a part.
#[derive(Clone, Copy, PartialEq)]
enum Owner {
    Unknown,
    Profile(usize),
    Common,
}

impl Parts {
    /// Determines the owner of a part from everything in it; a part of several profiles or of none is
    /// common.
    fn of(source: &str, root: &Table, profiles: &Table) -> Self {
        let mut begins = vec![0];
        headers(source, root, &mut begins);
        begins.sort_unstable();
        begins.dedup();
        let mut owners = vec![Owner::Unknown; begins.len()];
        let mut mark = |at: usize, owner: Owner| {
            let part = &mut owners[begins.partition_point(|begin| *begin <= at) - 1];
            *part = match *part {
                Owner::Unknown => owner,
                known if known == owner => known,
                _ => Owner::Common,
            };
        };
        for entry in root.iter().filter(|entry| entry.key != "profiles") {
            places_of(entry, &mut |at| mark(at, Owner::Common));
        }
        for (index, entry) in profiles.iter().enumerate() {
            places_of(entry, &mut |at| mark(at, Owner::Profile(index)));
        }
        let mut parts = Self { common: Vec::new(), own: vec![Vec::new(); profiles.len()] };
        let ends = begins[1..].iter().copied().chain([source.len()]);
        for ((begin, end), owner) in begins.iter().copied().zip(ends).zip(&owners) {
            let ranges = match owner {
                Owner::Profile(index) => &mut parts.own[*index],
                _ => &mut parts.common,
            };
            match ranges.last_mut() {
                Some(last) if last.end == begin => last.end = end,
                _ => ranges.push(begin..end),
            }
        }
        parts
    }
}

/// Calls `mark` for every offset of this entry.
fn places_of(entry: &Entry, mark: &mut impl FnMut(usize)) {
    fn of_node(node: &Node, mark: &mut impl FnMut(usize)) {
        mark(node.at);
        match &node.value {
            Value::List(items) => items.iter().for_each(|item| of_node(item, mark)),
            Value::Table(table) => table.iter().for_each(|entry| places_of(entry, mark)),
            _ => {}
        }
    }
    mark(entry.at);
    // A table with a header begins at its key.
    match &entry.node.value {
        Value::Table(table) => table.iter().for_each(|entry| places_of(entry, mark)),
        _ => of_node(&entry.node, mark),
    }
}

/// Finds the line starts of table headers, as far as that is certain.
fn headers(source: &str, table: &Table, begins: &mut Vec<usize>) {
    for entry in table {
        let Value::Table(inner) = &entry.node.value else { continue };
        let window = entry.at.saturating_sub(LONGEST_HEADER);
        let before = &source.as_bytes()[window..entry.at];
        let line = match before.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => window + end + 1,
            None if window == 0 => 0,
            // It is not a header, or an uncommon one. Its own tables are still examined.
            None => entry.at,
        };
        // Only other keys can be between the bracket and the key of a header. In a value there would be a
        // comma or a brace before a key.
        let before = source[line..entry.at].trim_start().strip_prefix('[');
        let is_key = |c: char| c.is_ascii_alphanumeric() || "-_.\"' \t".contains(c);
        if before.is_some_and(|before| before.chars().all(is_key)) {
            begins.push(line);
        }
        headers(source, inner, begins);
    }
}

#[cfg(test)]
mod tests;
