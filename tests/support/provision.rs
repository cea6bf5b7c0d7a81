//! Installs engines into a cache outside the clone, once for each state of their lock files.
//!
//! The cache is `$METRICC_CACHE`, else `$XDG_CACHE_HOME/metricc`, else `~/.cache/metricc`. An engine is installed beside its place and
//! renamed into it, so that a folder under its final name is always whole; a file lock lets parallel test processes wait for one another.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

/// The shared library of ClickHouse.
///
/// # Errors
/// One line that says why it is not to be had, the same one for every test of the process.
pub fn clickhouse() -> Result<&'static Path, &'static str> {
    static LIBRARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    once(&LIBRARY, || {
        let folder = provision("clickhouse", &["package.json", "package-lock.json"], install_npm)?;
        existing("clickhouse", folder.join("node_modules/@chdb/lib-linux-x64-gnu/libchdb.so"))
    })
}

/// The Python interpreter whose packages are Airflow and what lints its DAGs.
///
/// # Errors
/// One line that says why it is not to be had.
pub fn airflow() -> Result<&'static Path, &'static str> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    once(&PYTHON, || {
        let folder = provision("airflow", &["requirements.txt"], install_packages)?;
        existing("airflow", folder.join("bin/python"))
    })
}

/// The Python interpreter whose packages are DuckDB and what it needs.
///
/// # Errors
/// One line that says why it is not to be had.
pub fn duckdb() -> Result<&'static Path, &'static str> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    once(&PYTHON, || {
        let folder = provision("duckdb", &["requirements.txt"], install_packages)?;
        existing("duckdb", folder.join("bin/python"))
    })
}

/// The Python interpreter whose packages are Great Expectations and the engines that it looks into.
///
/// # Errors
/// One line that says why it is not to be had.
pub fn great_expectations() -> Result<&'static Path, &'static str> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    once(&PYTHON, || {
        let folder = provision("great_expectations", &["requirements.txt"], install_packages)?;
        existing("great_expectations", folder.join("bin/python"))
    })
}

/// The Python interpreter whose packages are Soda Core and DuckDB.
///
/// # Errors
/// One line that says why it is not to be had.
pub fn soda() -> Result<&'static Path, &'static str> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    once(&PYTHON, || {
        let folder = provision("soda", &["requirements.txt"], install_packages)?;
        existing("soda", folder.join("bin/python"))
    })
}

/// The folder of packages with the types of Grafana's dashboards and the compiler of TypeScript.
///
/// # Errors
/// One line that says why it is not to be had.
pub fn grafana() -> Result<&'static Path, &'static str> {
    static PACKAGES: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    once(&PACKAGES, || {
        let folder = provision("grafana", &["package.json", "package-lock.json"], install_npm)?;
        existing("grafana", folder.join("node_modules/typescript/bin/tsc"))?;
        Ok(folder.join("node_modules"))
    })
}

/// The Python interpreter whose packages are a Kafka broker and a client of it.
///
/// # Errors
/// One line that says why it is not to be had.
pub fn kafka() -> Result<&'static Path, &'static str> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    once(&PYTHON, || {
        let folder = provision("kafka", &["requirements.txt"], install_packages)?;
        existing("kafka", folder.join("bin/python"))
    })
}

/// The Python interpreter whose packages are Spark and what it needs.
///
/// # Errors
/// One line that says why it is not to be had.
pub fn spark() -> Result<&'static Path, &'static str> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    once(&PYTHON, || {
        run(Command::new("java").arg("-version")).map_err(|reason| failure("spark", &reason))?;
        let folder = provision("spark", &["requirements.txt"], install_packages)?;
        existing("spark", folder.join("bin/python"))
    })
}

/// The Python interpreter that has the parser of PostgreSQL.
///
/// # Errors
/// One line that says why it is not to be had.
pub fn pglast() -> Result<&'static Path, &'static str> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    once(&PYTHON, || {
        let folder = provision("pglast", &["requirements.txt"], install_packages)?;
        existing("pglast", folder.join("bin/python"))
    })
}

/// The programs of Prometheus and Alertmanager.
const OF_PROMETHEUS: [&str; 5] = ["prometheus", "promtool", "prometheus-alertmanager", "amtool", "vmalert"];

/// The folder with the programs of Prometheus and Alertmanager, in the oldest versions that rules are made for.
///
/// # Errors
/// One line that says why it is not to be had.
pub fn prometheus() -> Result<&'static Path, &'static str> {
    static BINARIES: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    once(&BINARIES, || of_prometheus("prometheus"))
}

/// The same in versions of today.
///
/// # Errors
/// One line that says why it is not to be had.
pub fn prometheus_current() -> Result<&'static Path, &'static str> {
    static BINARIES: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    once(&BINARIES, || of_prometheus("prometheus-current"))
}

fn of_prometheus(engine: &str) -> Result<PathBuf, String> {
    let folder = provision(engine, &["packages.txt"], install_debian)?;
    for program in OF_PROMETHEUS {
        existing("prometheus", folder.join("usr/bin").join(program))?;
    }
    Ok(folder.join("usr/bin"))
}

/// The Python interpreter whose packages are those of statistics.
///
/// # Errors
/// One line that says why it is not to be had.
pub fn statistics() -> Result<&'static Path, &'static str> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    once(&PYTHON, || {
        let folder = provision("statistics", &["requirements.txt"], install_packages)?;
        existing("statistics", folder.join("bin/python"))
    })
}

fn once(
    cell: &'static OnceLock<Result<PathBuf, String>>,
    make: impl FnOnce() -> Result<PathBuf, String>,
) -> Result<&'static Path, &'static str> {
    cell.get_or_init(make).as_deref().map_err(String::as_str)
}

fn install_npm(locks: &Path, to: &Path) -> Result<(), String> {
    for name in ["package.json", "package-lock.json"] {
        fs::copy(locks.join(name), to.join(name)).map_err(|error| format!("cannot copy {name}: {error}"))?;
    }
    run(Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(to))
}

fn install_packages(locks: &Path, to: &Path) -> Result<(), String> {
    run(Command::new("python3").args(["-m", "venv"]).arg(to))?;
    run(Command::new(to.join("bin/python"))
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "--only-binary=:all:",
            "-r",
        ])
        .arg(locks.join("requirements.txt")))
}

/// Unpacks packages of Debian; nothing is installed on the machine. They are those of the machine's own release, or of the suite that a line
/// `suite: NAME` names.
fn install_debian(locks: &Path, to: &Path) -> Result<(), String> {
    let list =
        fs::read_to_string(locks.join("packages.txt")).map_err(|error| format!("cannot read packages.txt: {error}"))?;
    let lines = list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (suites, names): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with("suite:"));
    let suite = suites.first().map(|line| line.trim_start_matches("suite:").trim());
    let options = suite.map(|suite| other_suite(suite, to)).transpose()?.unwrap_or_default();
    let get = |words: &[&str]| run(Command::new("apt-get").args(&options).args(words).current_dir(to));
    let download = || get(&[&["download", "--quiet"], names.as_slice()].concat());
    if suite.is_some() {
        get(&["update", "--quiet"])?;
        download()?;
    } else if download().is_err() {
        // A fresh machine has no lists of packages; who may not fetch them is told by the second try.
        let _ = get(&["update", "--quiet"]);
        download()?;
    }
    let files = fs::read_dir(to).map_err(|error| format!("cannot list {}: {error}", to.display()))?;
    let mut packages: Vec<PathBuf> = files.filter_map(Result::ok).map(|file| file.path()).collect();
    packages.retain(|path| path.extension().is_some_and(|extension| extension == "deb"));
    packages.sort();
    for package in packages {
        run(Command::new("dpkg").arg("-x").arg(&package).arg(to))?;
        fs::remove_file(&package).map_err(|error| format!("cannot remove {}: {error}", package.display()))?;
    }
    let lists = to.join(".apt");
    if lists.exists() {
        fs::remove_dir_all(&lists).map_err(|error| format!("cannot remove {}: {error}", lists.display()))?;
    }
    Ok(())
}

/// The archive of Debian that the machine uses, of which apt has lists.
fn archive() -> Result<Option<String>, String> {
    let asked = Command::new("apt-get")
        .args(["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run `apt-get`: {error}"))?;
    let text = String::from_utf8_lossy(&asked.stdout);
    let found = text.lines().map(str::trim).find(|uri| uri.trim_end_matches('/').ends_with("/debian"));
    Ok(found.map(str::to_owned))
}

/// What lets apt see another suite of the archive that the machine uses, with lists of its own.
fn other_suite(suite: &str, to: &Path) -> Result<Vec<String>, String> {
    let place = to.join(".apt");
    for folder in ["lists/partial", "cache/archives/partial"] {
        let folder = place.join(folder);
        fs::create_dir_all(&folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    }
    let archive = match archive()? {
        Some(archive) => archive,
        // A fresh machine has no lists of packages, and then apt tells no archive.
        None => {
            run(Command::new("apt-get").args(["update", "--quiet"]))?;
            archive()?.ok_or("apt knows no archive of Debian")?
        }
    };
    let sources = place.join("own.sources");
    let keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
    fs::write(&sources, format!("Types: deb\nURIs: {archive}\nSuites: {suite}\nComponents: main\nSigned-By: {keys}\n"))
        .map_err(|error| format!("cannot write {}: {error}", sources.display()))?;
    let settings = [
        ("Dir::Etc::sourcelist", sources),
        ("Dir::Etc::sourceparts", PathBuf::from("-")),
        ("Dir::State::lists", place.join("lists")),
        ("Dir::Cache", place.join("cache")),
    ];
    Ok(settings.iter().flat_map(|(name, value)| ["-o".to_owned(), format!("{name}={}", value.display())]).collect())
}

/// The folder of the installed engine.
fn provision(
    engine: &str,
    locks: &[&str],
    install: impl FnOnce(&Path, &Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines").join(engine);
    let installed = cache().and_then(|cache| install_once(&cache.join("engines"), engine, &source, locks, install));
    installed.map_err(|reason| failure(engine, &reason))
}

/// Installs an engine below `cache`, unless it is there for exactly these lock files.
///
/// # Errors
/// What went wrong; nothing is left under the final name then.
pub fn install_once(
    cache: &Path,
    engine: &str,
    source: &Path,
    locks: &[&str],
    install: impl FnOnce(&Path, &Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let place = cache.join(format!("{engine}-{}", key(source, locks)?));
    if place.is_dir() {
        return Ok(place);
    }
    fs::create_dir_all(cache).map_err(|error| format!("cannot create {}: {error}", cache.display()))?;
    let guard_path = cache.join(format!("{engine}.lock"));
    let guard =
        File::create(&guard_path).map_err(|error| format!("cannot create {}: {error}", guard_path.display()))?;
    guard.lock().map_err(|error| format!("cannot lock {}: {error}", guard_path.display()))?;
    if place.is_dir() {
        return Ok(place);
    }
    let aside = cache.join(format!("{engine}.partial"));
    replace_with_empty(&aside)?;
    install(source, &aside)?;
    fs::rename(&aside, &place)
        .map_err(|error| format!("cannot rename {} to {}: {error}", aside.display(), place.display()))?;
    Ok(place)
}

/// A rest of an install that was killed goes away; the lock is held, so nobody else writes there.
fn replace_with_empty(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("cannot remove {}: {error}", folder.display()))?;
    }
    fs::create_dir(folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))
}

/// The first 16 hexadecimal digits of the hash of the lock files.
fn key(source: &Path, locks: &[&str]) -> Result<String, String> {
    let mut hash = Sha256::new();
    for name in locks {
        let path = source.join(name);
        let text = fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        hash.update(name.as_bytes());
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(&text);
    }
    Ok(hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}

fn cache() -> Result<PathBuf, String> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("METRICC_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("metricc")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache/metricc")))
        .ok_or_else(|| "none of METRICC_CACHE, XDG_CACHE_HOME and HOME is set".to_owned())
}

fn existing(engine: &str, path: PathBuf) -> Result<PathBuf, String> {
    if path.is_file() {
        Ok(path)
    } else {
        Err(failure(engine, &format!("{} is missing after the install", path.display())))
    }
}

fn failure(engine: &str, reason: &str) -> String {
    // Several of them are switched off by one name.
    let others: Vec<&str> = super::engines::KNOWN.into_iter().filter(|name| !engine.starts_with(name)).collect();
    format!("cannot provision {engine}: {reason} (switch it off with METRICC_ENGINES={} or none)", others.join(","))
}

/// Runs an installer to its end; its complaint becomes one line.
fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .env("DO_NOT_TRACK", "1")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run `{program}`: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stderr, output.stdout].concat();
    Err(format!("`{program}` ended with {}: {}", output.status, complaint(&String::from_utf8_lossy(&text))))
}

/// The lines of an installer's output that tell the reason, joined to one.
fn complaint(output: &str) -> String {
    let lines: Vec<&str> = output.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let errors: Vec<&str> = lines.iter().copied().filter(|line| line.to_lowercase().contains("err")).take(4).collect();
    if errors.is_empty() { lines.last().copied().unwrap_or("no output").to_owned() } else { errors.join("; ") }
}
