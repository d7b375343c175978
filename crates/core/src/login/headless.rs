//! Whether this machine has a browser to open.

/// A way to read an environment variable.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Why no browser is started by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Headless {
    /// A build system runs this (`CI`).
    Ci,
    /// A browser would open on the remote machine of an SSH session.
    Ssh,
    /// There is neither an X11 nor a Wayland display.
    NoDisplay,
}

impl std::fmt::Display for Headless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ci => "this is a CI job",
            Self::Ssh => "this is an SSH session",
            Self::NoDisplay => "there is no display",
        })
    }
}

/// Returns why there is no usable browser here, as far as the environment shows. A browser that was named
/// explicitly takes precedence; that is up to the caller. The Windows Subsystem for Linux has a browser
/// without a display.
pub fn is_headless(lookup: Lookup<'_>) -> Option<Headless> {
    let set = |name: &str| lookup(name).is_some_and(|value| !value.is_empty());
    if lookup("CI").is_some_and(|ci| !matches!(ci.as_str(), "" | "0" | "false")) {
        return Some(Headless::Ci);
    }
    if ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"].into_iter().any(set) {
        return Some(Headless::Ssh);
    }
    let needs_display = cfg!(all(unix, not(target_os = "macos"))) && !is_wsl(lookup);
    if needs_display && !set("DISPLAY") && !set("WAYLAND_DISPLAY") {
        return Some(Headless::NoDisplay);
    }
    None
}

pub(super) fn is_wsl(lookup: Lookup<'_>) -> bool {
    cfg!(target_os = "linux")
        && ["WSL_DISTRO_NAME", "WSL_INTEROP"].iter().any(|name| lookup(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_without_a_browser_is_recognized() {
        let reason = |variables: &[(&str, &str)]| {
            let find = |name: &str| {
                variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
            };
            is_headless(&find)
        };
        let display = ("DISPLAY", ":0");
        assert_eq!(reason(&[display]), None);
        assert_eq!(reason(&[display, ("CI", "false")]), None);
        assert_eq!(reason(&[display, ("CI", "true")]), Some(Headless::Ci));
        assert_eq!(reason(&[display, ("SSH_CONNECTION", "a b c d")]), Some(Headless::Ssh));
        assert_eq!(reason(&[display, ("SSH_TTY", "")]), None);
        #[cfg(target_os = "linux")]
        {
            assert_eq!(reason(&[("WAYLAND_DISPLAY", "wayland-0")]), None);
            assert_eq!(reason(&[]), Some(Headless::NoDisplay));
            assert_eq!(reason(&[("DISPLAY", "")]), Some(Headless::NoDisplay));
            assert_eq!(reason(&[("WSL_DISTRO_NAME", "Debian")]), None);
        }
    }
}
