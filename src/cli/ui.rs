//! Text for terminals: colours, tables, progress, paths as the reader would write them.

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Puts colours around text, or leaves it as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// Colours if `on`.
    pub fn new(on: bool) -> Paint {
        Paint { on }
    }

    /// Whether there are colours.
    pub fn is_on(self) -> bool {
        self.on
    }

    /// For headings.
    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    /// For what matters less.
    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    /// For errors and removed lines.
    pub fn red(self, text: &str) -> String {
        self.with("31", text)
    }

    /// For what is right and added lines.
    pub fn green(self, text: &str) -> String {
        self.with("32", text)
    }

    /// For warnings.
    pub fn yellow(self, text: &str) -> String {
        self.with("33", text)
    }

    /// For names and code.
    pub fn cyan(self, text: &str) -> String {
        self.with("36", text)
    }

    fn with(self, style: &str, text: &str) -> String {
        if self.on && !text.is_empty() { format!("\u{1b}[{style}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    title: String,
    align: CellAlignment,
}

impl Column {
    /// Texts.
    pub fn text(title: impl Into<String>) -> Column {
        Column { title: title.into(), align: CellAlignment::Left }
    }

    /// Numbers, aligned by their ends.
    pub fn number(title: impl Into<String>) -> Column {
        Column { title: title.into(), align: CellAlignment::Right }
    }
}

/// A table with a line under its heads. Wide letters (Chinese) take two columns. Long cells are folded on a terminal;
/// elsewhere nothing is folded, so that a log can be searched.
pub fn table(columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let cell =
        |text: &str, column: &Column| Cell::new(crate::diagnostic::render::visible(text)).set_alignment(column.align);
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    if table.is_tty() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table.set_header(columns.iter().map(|column| cell(&column.title, column)).collect::<Vec<_>>());
    for row in rows {
        table.add_row(row.iter().zip(columns).map(|(text, column)| cell(text, column)).collect::<Vec<_>>());
    }
    format!("{}\n", table.trim_fmt())
}

/// A line about long work, on a terminal only: logs get none.
pub struct Progress {
    bar: ProgressBar,
    /// Whether it is over, so that it is not shown any more.
    over: Arc<Mutex<bool>>,
}

/// Shorter work shows no line.
const A_MOMENT: Duration = Duration::from_millis(400);

impl Progress {
    /// Starts it; shown once the work has taken a moment. `total` is how many steps there are.
    pub fn start(what: &str, total: u64, quiet: bool) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        let progress = Progress { bar, over: Arc::default() };
        progress.at(what, 0, total);
        if !quiet && io::stderr().is_terminal() {
            let (bar, over) = (progress.bar.clone(), Arc::clone(&progress.over));
            thread::spawn(move || {
                thread::sleep(A_MOMENT);
                let over = over.lock().unwrap_or_else(PoisonError::into_inner);
                if !*over {
                    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
                    bar.enable_steady_tick(Duration::from_millis(200));
                }
            });
        }
        progress
    }

    /// What is done now, and how far it is; with a total of 0 nobody knows.
    pub fn at(&self, what: &str, done: u64, total: u64) {
        let template =
            if total > 0 { "{spinner} {msg} {bar:24} {percent}% {elapsed}" } else { "{spinner} {msg} {elapsed}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        self.bar.set_message(what.to_owned());
        self.bar.set_length(total.max(1));
        self.bar.set_position(done);
    }

    /// One step is done.
    pub fn step(&self) {
        self.bar.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        *over = true;
        self.bar.finish_and_clear();
    }
}

/// How many columns there are for diagnostics.
pub fn error_width() -> usize {
    let mut table = Table::new();
    table.use_stderr();
    table.width().map_or(100, |width| usize::from(width).clamp(40, 140))
}

/// How many columns there are for results.
pub fn width() -> usize {
    Table::new().width().map_or(100, |width| usize::from(width).clamp(40, 140))
}

/// What leads from `base` to `root`: empty, `shop/`, `../`, or the whole path of `root`.
pub fn prefix(base: &Path, root: &Path) -> String {
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let (base, root) = (whole(base), whole(root));
    let path = if let Ok(below) = root.strip_prefix(&base) {
        below.to_owned()
    } else if let Ok(above) = base.strip_prefix(&root) {
        above.components().map(|_| "..").collect::<PathBuf>()
    } else {
        root
    };
    let text = path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
    if text.is_empty() { text } else { format!("{}/", text.trim_end_matches('/')) }
}

/// The folder that paths for review platforms start at: the checkout, or else the repository, or the project itself.
pub fn repository(root: &Path) -> Option<PathBuf> {
    let root = root.canonicalize().ok()?;
    let checkout = std::env::var_os("GITHUB_WORKSPACE").map(PathBuf::from).filter(|folder| root.starts_with(folder));
    checkout.or_else(|| root.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_owned)).or(Some(root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_leads_from_the_reader_to_the_project() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let shop = dir.path().join("a/shop");
        std::fs::create_dir_all(shop.join("metrics")).expect("made");
        assert_eq!(prefix(&shop, &shop), "");
        assert_eq!(prefix(dir.path(), &shop), "a/shop/");
        assert_eq!(prefix(&shop.join("metrics"), &shop), "../");
        assert!(prefix(&dir.path().join("other"), &shop).ends_with("/a/shop/"));
    }

    #[test]
    fn a_table_is_aligned_with_wide_letters() {
        let columns = [Column::text("渠道"), Column::number("dau")];
        let rows = [vec!["应用商店".to_owned(), "7".to_owned()], vec!["web\u{1b}".to_owned(), "1,234".to_owned()]];
        assert_eq!(
            table(&columns, rows),
            " 渠道          dau\n───────────────────\n 应用商店        7\n web\\u{1b}   1,234\n"
        );
    }

    #[test]
    fn colours_are_left_out_where_not_wanted() {
        assert_eq!(Paint::new(false).red("x"), "x");
        assert_eq!(Paint::new(true).red("x"), "\u{1b}[31mx\u{1b}[0m");
        assert_eq!(Paint::new(true).bold(""), "");
    }
}
