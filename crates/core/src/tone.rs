//! How a page in the browser shows whether something succeeded.

/// The tone of a page, which determines its style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Something succeeded.
    Good,
    /// Something failed.
    Bad,
    /// Neither.
    Calm,
}

impl Tone {
    /// Returns the CSS class of the page.
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Calm => "calm",
        }
    }

    /// Returns the strokes of the icon as an SVG path, in a box of 24 by 24.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Good => "M5.5 12.5l4.5 4.5 8.5-9.5",
            Self::Bad => "M7 7l10 10M17 7L7 17",
            Self::Calm => "M12 11v6M12 7v.01",
        }
    }

    /// Returns the ARIA role of the message: whether a screen reader interrupts the user.
    pub fn role(self) -> &'static str {
        match self {
            Self::Bad => "alert",
            Self::Good | Self::Calm => "status",
        }
    }
}
