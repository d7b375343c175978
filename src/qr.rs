//! Draws a URL as a QR code for a terminal.

use qrcode::{Color, EcLevel, QrCode};

/// Light modules around the code that a scanner needs.
const QUIET: usize = 4;

/// Returns the code in lines of half blocks, two rows of modules each. With `colors` the modules are black on
/// white whatever the terminal's own colors are; without, light modules are drawn, which is right for a dark
/// background. Returns `None` if the text does not fit into a code, or the code not into `width` columns.
pub fn draw(text: &str, width: usize, colors: bool) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let inner = code.width();
    let side = inner + 2 * QUIET;
    if side > width {
        return None;
    }
    let modules = code.to_colors();
    let is_light = |row: usize, column: usize| {
        let at = |n: usize| n.checked_sub(QUIET).filter(|n| *n < inner);
        match (at(row), at(column)) {
            (Some(row), Some(column)) => modules[row * inner + column] == Color::Light,
            // Below the last line of an odd number of rows, nothing is drawn.
            _ => row < side,
        }
    };
    let mut out = String::new();
    for row in (0..side).step_by(2) {
        if colors {
            out.push_str("\u{1b}[97;40m");
        }
        for column in 0..side {
            out.push(match (is_light(row, column), is_light(row + 1, column)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        if colors {
            out.push_str("\u{1b}[0m");
        }
        out.push('\n');
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::draw;

    #[test]
    fn code_has_a_quiet_zone_and_fits_or_is_not_drawn() {
        let drawn = draw("https://as.example/device?user_code=WDJB-MJHT", 80, false).unwrap();
        let lines: Vec<&str> = drawn.lines().collect();
        let side = lines[0].chars().count();
        assert!(side < 50 && lines.len() == side.div_ceil(2), "{drawn}");
        assert!(lines[..2].iter().all(|line| line.chars().all(|c| c == '█')), "{drawn}");
        assert!(lines.iter().all(|line| line.starts_with("████") || line.starts_with("▀▀▀▀")));
        assert_eq!(draw("https://as.example/device", side - 20, false), None);
        assert_eq!(draw(&"x".repeat(4000), 1000, false), None);
    }
}
