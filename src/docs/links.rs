//! Links between pages, and the table of contents.

use std::path::{Component, Path, PathBuf};

use crate::docs::{Page, pages, report, root};

#[test]
fn links_lead_to_pages_and_headings() {
    let pages = pages();
    let mut faults = Vec::new();
    let mut count = 0;
    for page in &pages {
        for target in links(&page.prose()) {
            count += 1;
            if let Err(why) = follow(page, &target, &pages) {
                faults.push(format!("{}: {target}: {why}", page.path));
            }
        }
    }
    assert!(count > 100, "{count}");
    report(&faults);
}

#[test]
fn contents_list_every_page_once() {
    let pages = pages();
    let contents = pages.iter().find(|page| page.path == "docs/SUMMARY.md").unwrap();
    let listed = links(&contents.text);
    let below = pages.iter().filter_map(|page| page.path.strip_prefix("docs/"));
    let faults: Vec<String> = below
        .filter(|page| *page != "SUMMARY.md")
        .map(|page| (page, listed.iter().filter(|target| *target == page).count()))
        .filter(|(_, count)| *count != 1)
        .map(|(page, count)| format!("docs/SUMMARY.md lists {page} {count} times"))
        .collect();
    report(&faults);
}

/// Follows a link to a file of the repository; whether another site answers is not asked.
fn follow(page: &Page, target: &str, pages: &[Page]) -> Result<(), String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return Ok(());
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = match path {
        "" => page.path.clone(),
        path => resolved(&Path::new(&page.path).parent().unwrap().join(path)),
    };
    if !root().join(&path).is_file() {
        return Err("there is no such file".to_owned());
    }
    // The book consists of the pages below `docs`, and of nothing else.
    if page.path.starts_with("docs/") && !path.starts_with("docs/") {
        return Err("leads out of the book".to_owned());
    }
    let known = |page: &Page| anchor.is_empty() || anchors(page).iter().any(|a| a == anchor);
    match pages.iter().find(|page| page.path == path) {
        Some(page) if known(page) => Ok(()),
        None if anchor.is_empty() => Ok(()),
        _ => Err("there is no such heading".to_owned()),
    }
}

/// A path without `..`, with slashes.
fn resolved(path: &Path) -> String {
    let mut whole = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(whole.pop()),
            Component::CurDir => {}
            part => whole.push(part),
        }
    }
    whole.to_str().unwrap().replace('\\', "/")
}

/// Returns the targets of `[text](target)` outside code.
fn links(prose: &str) -> Vec<String> {
    let prose: String = prose.split('`').step_by(2).collect::<Vec<_>>().join("code");
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target.trim().to_owned()).collect()
}

/// The anchors of the headings, as mdBook and the usual hosts of repositories form them.
fn anchors(page: &Page) -> Vec<String> {
    let prose = page.prose();
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn links_and_anchors_are_found() {
    assert_eq!(links("[a](b.md#c), `[x](y)`, [d\ne](f)"), ["b.md#c", "f"]);
    assert_eq!(anchor("`[profiles.NAME]`, and more"), "profilesname-and-more");
    assert_eq!(resolved(Path::new("docs/providers/../scripts.md")), "docs/scripts.md");
}
