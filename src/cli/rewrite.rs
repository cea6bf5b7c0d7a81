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

/// Writes a file, in one step where it is a plain one: what was there is never half overwritten. A pipe or a device is
/// written to.
pub fn create(path: &Path, bytes: &[u8]) -> Result<(), Box<Diagnostic>> {
    try_create(path, bytes).map_err(|failure| {
        Box::new(error!(E0038, None, "`{}` can't be written: {}", path.display(), io_message(&failure);
            help: "what was there before is unchanged"))
    })
}

fn try_create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let there = match fs::metadata(path) {
        Ok(there) if there.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) if !there.is_file() => return fs::File::options().write(true).open(path)?.write_all(bytes),
        Ok(there) => Some(there.permissions()),
        Err(failure) if failure.kind() == io::ErrorKind::NotFound => None,
        Err(failure) => return Err(failure),
    };
    if there.as_ref().is_some_and(fs::Permissions::readonly) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    // A link keeps leading to the file.
    let path = if there.is_some() { path.canonicalize()? } else { path.to_owned() };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".metricc-");
    #[cfg(unix)]
    {
        // Like any new file: what the user's mask leaves of this.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut aside = builder.tempfile_in(folder)?;
    aside.write_all(bytes)?;
    if let Some(permissions) = there {
        aside.as_file().set_permissions(permissions)?;
    }
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

    #[cfg(unix)]
    #[test]
    fn a_new_file_is_like_others_and_a_pipe_stays_a_pipe() {
        use std::io::Read;
        use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
        let dir = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| dir.path().join(name);
        let mode = |name: &str| fs::metadata(at(name)).expect("a file").permissions().mode() & 0o777;
        create(&at("new"), b"1").expect("written");
        fs::write(at("usual"), "").expect("written");
        assert_eq!(mode("new"), mode("usual"));
        fs::set_permissions(at("new"), fs::Permissions::from_mode(0o600)).expect("set");
        symlink("new", at("link")).expect("linked");
        create(&at("link"), b"2").expect("written");
        assert_eq!((fs::read_to_string(at("new")).expect("text").as_str(), mode("new")), ("2", 0o600));
        assert!(at("link").symlink_metadata().expect("there").is_symlink());

        let made = std::process::Command::new("mkfifo").arg(at("pipe")).status().expect("mkfifo runs");
        assert!(made.success());
        let pipe = at("pipe");
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            fs::File::open(pipe).expect("opened").read_to_string(&mut text).map(|_| text).expect("read")
        });
        create(&at("pipe"), b"3").expect("written");
        assert_eq!(reader.join().expect("read"), "3");
        assert!(fs::metadata(at("pipe")).expect("there").file_type().is_fifo());
        assert!(create(dir.path(), b"4").expect_err("refused").message.contains("is a directory"));
        assert!(create(&at("none/a"), b"5").is_err());
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
