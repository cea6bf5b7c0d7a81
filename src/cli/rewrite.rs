//! Rewrites files of the user without ever losing them: the new text is written beside the file, then renamed over it.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use similar::{ChangeTag, TextDiff};

use super::ui::Paint;
use crate::{diagnostic::Diagnostic, diagnostic::render::visible, error, project::io_message};

/// Replaces the text of a file. It keeps its permissions; a link keeps leading to it. A failure leaves the old text.
pub fn replace(path: &Path, text: &str) -> Result<(), Box<Diagnostic>> {
    try_replace(path, text).map_err(|failure| {
        let reason = io_message(&failure);
        Box::new(error!(E0038, None, "`{}` can't be written: {reason}", path.display();
            help: "the old text is still there; the file's folder must be writable and have room"))
    })
}

fn try_replace(path: &Path, text: &str) -> io::Result<()> {
    let path = path.canonicalize()?;
    let old = fs::metadata(&path)?;
    if old.permissions().readonly() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut aside = tempfile::Builder::new().prefix(".metricc-").tempfile_in(folder)?;
    aside.write_all(text.as_bytes())?;
    aside.as_file().set_permissions(old.permissions())?;
    aside.persist(&path).map_err(|failure| failure.error)?;
    Ok(())
}

/// A unified diff with three lines around each change; empty if the texts are equal.
pub fn diff(path: &str, old: &str, new: &str, paint: Paint) -> String {
    let changes = TextDiff::from_lines(old, new);
    let mut text = String::new();
    for hunk in changes.unified_diff().context_radius(3).iter_hunks() {
        if text.is_empty() {
            text += &paint.bold(&format!("--- {path}\n+++ {path}\n"));
        }
        text += &format!("{}\n", paint.cyan(&hunk.header().to_string()));
        for change in hunk.iter_changes() {
            let line = shown(change.value());
            text += &match change.tag() {
                ChangeTag::Delete => paint.red(&format!("-{line}")),
                ChangeTag::Insert => paint.green(&format!("+{line}")),
                ChangeTag::Equal => format!(" {line}"),
            };
            text.push('\n');
            if change.missing_newline() {
                text += "\\ no line feed at the end of the file\n";
            }
        }
    }
    text
}

/// A line without its end. What of it would not be seen is written out where it is all that changes: a byte order mark, the
/// CR of an old line end.
fn shown(line: &str) -> String {
    let line = line.trim_end_matches('\n');
    let (line, end) = line.strip_suffix('\r').map_or((line, ""), |line| (line, "\\r"));
    let (line, mark) = line.strip_prefix('\u{feff}').map_or((line, ""), |line| (line, "\\u{feff}"));
    format!("{mark}{}{end}", visible(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_file_keeps_its_permissions_and_its_link() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (file, link) = (dir.path().join("a.metric"), dir.path().join("link.metric"));
        fs::write(&file, "old").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("set");
        symlink("a.metric", &link).expect("linked");
        replace(&link, "new").expect("replaced");
        assert_eq!(fs::read_to_string(&file).expect("text"), "new");
        assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o640);
        assert!(link.symlink_metadata().expect("there").is_symlink());
        assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 2, "nothing is left beside it");
    }

    #[test]
    fn a_file_that_can_not_be_replaced_keeps_its_text() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = dir.path().join("a.metric");
        fs::write(&file, "old").expect("written");
        let mut permissions = fs::metadata(&file).expect("a file").permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&file, permissions).expect("set");
        let told = replace(&file, "new").expect_err("refused");
        assert!(told.message.contains("permission denied"), "{}", told.message);
        assert_eq!(fs::read_to_string(&file).expect("text"), "old");
        assert_eq!(replace(&dir.path().join("none"), "").expect_err("refused").code, crate::diagnostic::codes::E0038);
    }

    #[test]
    fn a_diff_shows_lines_and_the_missing_end() {
        let text = diff("a.metric", "one\ntwo\n", "one\n2\u{1b}", Paint::new(false));
        assert_eq!(
            text,
            "--- a.metric\n+++ a.metric\n@@ -1,2 +1,2 @@\n one\n-two\n+2\\u{1b}\n\\ no line feed at the end of the file\n"
        );
        assert_eq!(diff("a.metric", "same\n", "same\n", Paint::new(true)), "");
        let ends = diff("a.metric", "\u{feff}one\r\n", "one\n", Paint::new(false));
        assert_eq!(ends, "--- a.metric\n+++ a.metric\n@@ -1 +1 @@\n-\\u{feff}one\\r\n+one\n");
    }
}
