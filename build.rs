//! Turns `src/diagnostic/codes/*.md` into constants: one page is one diagnostic code.

use std::{env, fmt::Write as _, fs, path::Path};

fn main() {
    let dir = Path::new("src/diagnostic/codes");
    println!("cargo:rerun-if-changed={}", dir.display());
    println!("cargo:rerun-if-changed=grammar/metric.pest");
    let mut names: Vec<String> = fs::read_dir(dir)
        .expect("the folder of code pages")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
        .collect();
    names.sort();
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets the package folder");
    let mut constants = String::new();
    let mut pages = String::from("/// Every code with its page, in order.\npub static PAGES: &[(Code, &str)] = &[\n");
    for name in &names {
        let page = fs::read_to_string(dir.join(format!("{name}.md"))).expect("a readable code page");
        let first = page.lines().next().unwrap_or_default();
        let title = first
            .strip_prefix(&format!("# {name}: "))
            .unwrap_or_else(|| panic!("{name}.md must start with `# {name}: title`"));
        writeln!(constants, "#[doc = {title:?}]\npub const {name}: Code = Code({name:?});").expect("write to a string");
        writeln!(pages, "    ({name}, include_str!({:?})),", format!("{root}/src/diagnostic/codes/{name}.md"))
            .expect("write to a string");
    }
    pages.push_str("];\n");
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets the output folder")).join("codes.rs");
    fs::write(out, constants + &pages).expect("write the generated constants");
}
