//! Turns `src/diagnostic/codes/*.md` into constants: one page is one diagnostic code. And gives the compiler a name that
//! changes with its text: what one build of it kept, another must not take for its own.

use std::{
    env,
    fmt::Write as _,
    fs,
    hash::{DefaultHasher, Hasher},
    path::Path,
};

fn main() {
    code_pages();
    let mut hash = DefaultHasher::new();
    for part in ["src", "grammar", "targets", "Cargo.toml", "Cargo.lock", "build.rs"] {
        println!("cargo:rerun-if-changed={part}");
        hash_tree(Path::new(part), &mut hash);
    }
    println!("cargo:rustc-env=METRICC_SOURCE_HASH={:016x}", hash.finish());
}

/// Hashes a file, or all files below a folder in the order of their names.
fn hash_tree(path: &Path, hash: &mut DefaultHasher) {
    hash.write(path.to_string_lossy().as_bytes());
    if path.is_dir() {
        let entries = fs::read_dir(path).expect("a readable folder").map(|entry| entry.expect("an entry").path());
        let mut entries: Vec<_> = entries.collect();
        entries.sort();
        entries.iter().for_each(|entry| hash_tree(entry, hash));
    } else if let Ok(bytes) = fs::read(path) {
        // A package has no `Cargo.lock`.
        hash.write_usize(bytes.len());
        hash.write(&bytes);
    }
}

fn code_pages() {
    let dir = Path::new("src/diagnostic/codes");
    let mut names: Vec<String> = fs::read_dir(dir)
        .expect("the folder of code pages")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
        .collect();
    names.sort();
    let mut constants = String::new();
    let mut pages = String::from("/// Every code with its page, in order.\npub static PAGES: &[(Code, &str)] = &[\n");
    for name in &names {
        let page = fs::read_to_string(dir.join(format!("{name}.md"))).expect("a readable code page");
        let first = page.lines().next().unwrap_or_default();
        let title = first
            .strip_prefix(&format!("# {name}: "))
            .unwrap_or_else(|| panic!("{name}.md must start with `# {name}: title`"));
        writeln!(constants, "#[doc = {title:?}]\npub const {name}: Code = Code({name:?});").expect("write to a string");
        // By the folder of whoever compiles: another clone may find this file in a shared target folder.
        let file = format!("/src/diagnostic/codes/{name}.md");
        writeln!(pages, "    ({name}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {file:?}))),")
            .expect("write to a string");
    }
    pages.push_str("];\n");
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets the output folder")).join("codes.rs");
    fs::write(out, constants + &pages).expect("write the generated constants");
}
