//! The programs that read what is made for Prometheus and Alertmanager, in the oldest versions that it is made for and in those of today.

use std::fs::{self, File};
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use super::listener::ask;
use super::provision;

/// A program that has been run.
#[derive(Debug)]
pub struct Ran {
    /// Whether it was content.
    pub ok: bool,
    /// All that it said.
    pub said: String,
}

/// Programs of one time.
#[derive(Clone, Copy, Debug)]
pub struct Programs {
    folder: &'static Path,
    /// `oldest` or `current`, for messages.
    pub name: &'static str,
}

impl Programs {
    /// The oldest that rules are made for: Prometheus 2.42, Alertmanager 0.25.
    ///
    /// # Panics
    /// With one line, if they cannot be provisioned.
    pub fn oldest() -> Programs {
        Programs { folder: provision::prometheus().unwrap_or_else(|error| panic!("{error}")), name: "oldest" }
    }

    /// Those of today: Prometheus 3.
    ///
    /// # Panics
    /// With one line, if they cannot be provisioned.
    pub fn current() -> Programs {
        Programs { folder: provision::prometheus_current().unwrap_or_else(|error| panic!("{error}")), name: "current" }
    }

    /// Both.
    pub fn all() -> [Programs; 2] {
        [Programs::oldest(), Programs::current()]
    }

    /// Runs one of them in a folder.
    ///
    /// # Panics
    /// If it can't be started.
    pub fn run(&self, program: &str, folder: &Path, arguments: &[&str]) -> Ran {
        self.reads(program, folder, arguments, "")
    }

    /// The same, where it reads a text.
    ///
    /// # Panics
    /// If it can't be started.
    pub fn reads(&self, program: &str, folder: &Path, arguments: &[&str], text: &str) -> Ran {
        let mut command = Command::new(self.folder.join(program));
        command.args(arguments).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let ran = command.spawn().and_then(|mut child| {
            let mut input = child.stdin.take();
            // Who needs nothing may have ended.
            let _ = input.as_mut().map(|input| input.write_all(text.as_bytes()));
            drop(input);
            child.wait_with_output()
        });
        let Output { status, stdout, stderr } = ran.unwrap_or_else(|error| panic!("{program} does not run: {error}"));
        let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        Ran { ok: status.success(), said }
    }

    /// The major and the minor version of one of them.
    ///
    /// # Panics
    /// If it does not tell one.
    pub fn version(&self, program: &str) -> (u32, u32) {
        let said = self.run(program, Path::new("."), &["--version"]).said;
        let numbers = said.split("version ").nth(1).unwrap_or_else(|| panic!("{said}"));
        let mut numbers = numbers.split(|c: char| !c.is_ascii_digit()).map(|text| text.parse().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
    }

    /// Prometheus with a configuration, once it answers.
    ///
    /// # Panics
    /// If it ends, with what it said.
    pub fn prometheus(&self, folder: &Path, config: &str) -> Served {
        fs::write(folder.join("prometheus.yml"), config).expect("written");
        let arguments = ["--config.file=prometheus.yml", "--storage.tsdb.path=prometheus"];
        serve(&self.folder.join("prometheus"), "prometheus", folder, &arguments, free_port())
    }

    /// Alertmanager with the configuration at a path, once it answers.
    ///
    /// # Panics
    /// If it ends, with what it said.
    pub fn alertmanager(&self, folder: &Path, config: &str, port: u16) -> Served {
        let config = format!("--config.file={config}");
        let program = self.movable_alertmanager(folder);
        let arguments = [config.as_str(), "--storage.path=alertmanager", "--cluster.listen-address="];
        serve(&program, "alertmanager", folder, &arguments, port)
    }

    /// Debian's Alertmanager finds its templates only where its package is installed. The copy of it looks for them in the folder it runs in.
    fn movable_alertmanager(&self, folder: &Path) -> PathBuf {
        const INSTALLED: &[u8] = b"/usr/share/prometheus/alertmanager";
        const HERE: &[u8] = b"./templates///////////////////////";
        let mut program = fs::read(self.folder.join("prometheus-alertmanager")).expect("a program");
        let mut at = 0;
        while let Some(found) = program[at..].windows(INSTALLED.len()).position(|part| part == INSTALLED) {
            at += found;
            program[at..at + INSTALLED.len()].copy_from_slice(HERE);
        }
        let templates = folder.join("templates");
        fs::create_dir_all(&templates).expect("a folder");
        for name in ["default.tmpl", "email.tmpl"] {
            let installed = self.folder.join("../share/prometheus/alertmanager").join(name);
            fs::copy(installed, templates.join(name)).expect("a template");
        }
        let copy = folder.join("alertmanager-program");
        fs::write(&copy, program).expect("written");
        let mut kind = fs::metadata(&copy).expect("a file").permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut kind, 0o755);
        fs::set_permissions(&copy, kind).expect("a mode");
        copy
    }
}

fn serve(program: &Path, name: &str, folder: &Path, arguments: &[&str], port: u16) -> Served {
    let address = format!("127.0.0.1:{port}");
    let log = folder.join(format!("{name}.log"));
    let file = File::create(&log).expect("a log");
    let child = Command::new(program)
        .args(arguments)
        .arg(format!("--web.listen-address={address}"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(file.try_clone().expect("a log"))
        .stderr(file)
        .spawn()
        .unwrap_or_else(|error| panic!("{name} does not run: {error}"));
    let mut served = Served { child, address, log };
    super::listener::until(&format!("{name} is ready"), || {
        if let Ok(Some(status)) = served.child.try_wait() {
            panic!("{name} ended with {status}: {}", served.log());
        }
        let reached = std::net::TcpStream::connect(&served.address).is_ok();
        reached && ask(&served.address, "GET /-/ready HTTP/1.1\r\nHost: x\r\nConnection: close", "").0 == 200
    });
    served
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// A server that is killed with this.
#[derive(Debug)]
pub struct Served {
    child: Child,
    /// Where it listens.
    pub address: String,
    log: PathBuf,
}

impl Served {
    /// What it said.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// What an address of its interface gives.
    ///
    /// # Panics
    /// If it gives no JSON.
    pub fn get(&self, path: &str) -> Value {
        // Without the chunks of HTTP/1.1.
        let (status, body) = ask(&self.address, &format!("GET {path} HTTP/1.0\r\nHost: x"), "");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {status} {error}: {body}"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
