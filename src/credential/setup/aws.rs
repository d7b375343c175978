//! The section of a profile in the configuration of the AWS command line.

use oauthctl_core::{Error, Result, text};

use super::insertions::Place;
use super::place::at_end;

/// Inserts the profile into the file.
pub(super) fn aws(key: &str, file: &str, shell: &str) -> Result<Place> {
    if key.starts_with('-') || key.contains(['[', ']']) || !key.chars().all(text::is_harmless) {
        return Err(Error::config("the key cannot be the name of an AWS profile"));
    }
    if let Some(section) =
        headings(file).find(|section| profile_of(section).as_deref() == Some(key))
    {
        let section = text::one_line(section);
        return Err(Error::config(format!("the file already has the section `[{section}]`"))
            .hint("change it manually, or remove it first"));
    }
    // The tool splits the heading as a shell does. Other readers of the file may not.
    let is_split = key.contains([' ', '"', '\'', '\\']);
    let word = text::shell_word(key);
    let name = if is_split { word.as_str() } else { key };
    let section = format!("[profile {name}]\ncredential_process = {shell} credential aws {word}\n");
    Ok(at_end(file, &section))
}

/// Settings in the AWS credentials file that take precedence over `credential_process` in the configuration file.
const PREFERRED: [&str; 6] = [
    "aws_access_key_id",
    "credential_process",
    "role_arn",
    "sso_account_id",
    "sso_role_name",
    "web_identity_token_file",
];

/// Returns the names of these settings for a profile in a credentials file. The sections of that file have the names
/// of the profiles.
pub fn preferred_settings(profile: &str, file: &str) -> Vec<&'static str> {
    let mut is_in = false;
    let mut found = Vec::new();
    for line in lines(file) {
        match line {
            Line::Heading(heading) => is_in = heading == profile,
            Line::Setting(setting) if is_in => {
                let name = setting.split(['=', ':']).next().unwrap_or_default().trim();
                found.extend(PREFERRED.iter().filter(|known| known.eq_ignore_ascii_case(name)));
            }
            Line::Setting(_) => {}
        }
    }
    found
}

/// Returns the headings of the sections, without their brackets.
fn headings(file: &str) -> impl Iterator<Item = &str> {
    lines(file).filter_map(|line| match line {
        Line::Heading(heading) => Some(heading),
        Line::Setting(_) => None,
    })
}

enum Line<'l> {
    /// The heading of a section, without its brackets.
    Heading(&'l str),
    Setting(&'l str),
}

/// Returns the lines of a file as configparser of Python finds them: a line that is indented more than the setting above it
/// continues that setting, and what follows the last bracket does not matter. Python also ends a line at a lone carriage
/// return. The empty line that this split finds in CRLF does not matter either.
fn lines(file: &str) -> impl Iterator<Item = Line<'_>> {
    let mut setting = None;
    file.split(['\n', '\r']).filter_map(move |line| {
        let content = line.trim();
        let indent = line.len() - line.trim_start().len();
        let is_continued = setting.is_some_and(|setting| indent > setting);
        if content.is_empty() || content.starts_with(['#', ';']) || is_continued {
            return None;
        }
        let heading = content.strip_prefix('[').and_then(|rest| Some(&rest[..rest.rfind(']')?]));
        setting = heading.is_none().then_some(indent);
        Some(heading.map_or(Line::Setting(content), Line::Heading))
    })
}

/// Returns the profile of a section.
fn profile_of(section: &str) -> Option<String> {
    if section == "default" {
        return Some(section.to_owned());
    }
    let words = shlex::split(section).filter(|_| section.starts_with("profile"))?;
    <[String; 2]>::try_from(words).ok().map(|[_, profile]| profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test with the tool itself has the same headings.
    #[test]
    fn aws_profile_is_found_in_each_notation() {
        for heading in [
            "[profile dev]",
            "[profile  dev]",
            "[profile\tdev ]",
            "  [profile dev]  # comment",
            "[profile \"dev\"]",
            "[profile d'e'v]",
        ] {
            for before in
                ["", "[default]\nregion = x\n\n", "[a]\n# b = c\n", "[a]\r", "[a]\r\n# b\r"]
            {
                let file = format!("{before}{heading}\nregion = x\n");
                let indented = heading.starts_with(' ') && before.contains("region");
                assert_eq!(aws("dev", &file, "p").is_err(), !indented, "{file}");
            }
        }
        for heading in [
            "[ profile dev ]",
            "[Profile dev]",
            "[profile Dev]",
            "[profile dev two]",
            "[profile dev\n]",
            "[profile 'dev]",
            "[dev]",
            "[profiledev]",
            "# [profile dev]",
            "; [profile dev]",
            "[a]\nb = c\n  [profile dev]",
            "[a]\nb =\n\n  [profile dev]",
            "[a]\rb = c\r\n  [profile dev]\r",
        ] {
            assert!(aws("dev", heading, "p").is_ok(), "{heading}");
        }
        assert!(aws("default", "[default]\n", "p").is_err());
        assert!(aws("my dev", "[profile \"my dev\"]\n", "p").is_err());
    }
}
