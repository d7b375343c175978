//! `[[rules]]`: the profile and the account of a command that names none, by its working directory.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// One rule. The first one whose directory contains the working directory decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Rule {
    /// The directory, which includes everything below it.
    pub directory: PathBuf,
    /// The profile.
    pub profile: Option<String>,
    /// The account of that profile, else of whichever profile is selected.
    pub account: Option<String>,
}

impl Rule {
    /// Returns the first of these rules for this directory. Symbolic links are resolved on both sides, so that
    /// it does not matter how the directory was entered.
    pub fn find<'r>(rules: &'r [Self], directory: &Path) -> Option<&'r Self> {
        if rules.is_empty() {
            return None;
        }
        let here = directory.canonicalize().ok()?;
        rules.iter().find(|rule| {
            here.starts_with(&rule.directory)
                || rule.directory.canonicalize().is_ok_and(|real| here.starts_with(real))
        })
    }

    /// Returns the account that the rule sets for this profile.
    pub fn account_of(&self, profile: &str) -> Option<&str> {
        let is_meant = self.profile.as_deref().is_none_or(|own| own == profile);
        self.account.as_deref().filter(|_| is_meant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(directory: &Path, account: &str) -> Rule {
        let (profile, account) = (None, Some(account.to_owned()));
        Rule { directory: directory.to_owned(), profile, account }
    }

    #[test]
    #[cfg(unix)]
    fn first_rule_that_contains_the_real_directory_wins() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for below in ["work/special", "worker"] {
            std::fs::create_dir_all(root.join(below)).unwrap();
        }
        std::os::unix::fs::symlink(root.join("work"), root.join("link")).unwrap();
        let rules = [
            rule(&root.join("work/special"), "special"),
            rule(&root.join("link"), "work"),
            rule(&root.join("work"), "never"),
            rule(&root.join("nowhere"), "none"),
        ];
        let found = |below: &str| {
            let rule = Rule::find(&rules, &root.join(below))?;
            rule.account.as_deref()
        };
        assert_eq!(found("work/special"), Some("special"));
        assert_eq!(found("link/special"), Some("special"));
        assert_eq!(found("work"), Some("work"));
        assert_eq!(found("worker"), None);
        assert_eq!(found(""), None);
        assert_eq!(found("gone"), None);
    }

    #[test]
    fn account_of_a_rule_belongs_to_its_profile() {
        let mut rule = rule(Path::new("/x"), "work");
        assert_eq!(rule.account_of("any"), Some("work"));
        rule.profile = Some("gitlab".to_owned());
        assert_eq!([rule.account_of("gitlab"), rule.account_of("github")], [Some("work"), None]);
    }
}
