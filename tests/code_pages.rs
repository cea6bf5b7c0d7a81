//! Every page of a diagnostic code shows text that really produces the code, and text that produces no error.

use metricc::compile::compile;
use metricc::diagnostic::{Code, Severity, codes};
use metricc::project::{MemoryFiles, load};

/// The project that examples stand in, with the receivers that they name.
const CONFIG: &str = "\
name: page
timezone: Asia/Shanghai
units: [CNY, quota]
receivers:
  kpi: { email: [kpi@example.com] }
  ops: { dingtalk: { token_env: OPS_TOKEN } }
mail: { host: smtp.example.com, from: metrics@example.com }
";

/// The metric texts below a heading of a page.
fn examples<'a>(page: &'a str, heading: &str) -> Vec<&'a str> {
    let Some(start) = page.find(&format!("\n## {heading}")) else { return Vec::new() };
    let section = &page[start + 1..];
    let end = section[1..].find("\n## ").map_or(section.len(), |end| end + 1);
    section[..end].split("```metric\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// What the compiler says of a text, as a project of one file.
fn diagnostics(text: &str) -> Vec<(Code, String)> {
    let files = MemoryFiles::new().with("metricc.yaml", CONFIG).with("metrics/page.metric", text);
    let (project, mut found) = load(&files);
    if let Some(project) = project {
        found.extend(compile(&project).1);
    }
    found.iter().map(|one| (one.code, one.message.clone())).collect()
}

#[test]
fn wrong_examples_give_their_code_and_right_ones_no_error() {
    let mut failures = Vec::new();
    let mut tried = 0;
    for (code, page) in codes::PAGES {
        for text in examples(page, "Wrong") {
            tried += 1;
            let found = diagnostics(text);
            if !found.iter().any(|(one, _)| one == code) {
                failures.push(format!("{code}: wrong example gives {found:?}"));
            }
            let others: Vec<_> =
                found.iter().filter(|(one, _)| one != code && one.severity() == Severity::Error).collect();
            if code.severity() == Severity::Error && !others.is_empty() {
                failures.push(format!("{code}: wrong example also gives {others:?}"));
            }
        }
        for text in examples(page, "Right") {
            let found = diagnostics(text);
            let bad: Vec<_> =
                found.iter().filter(|(one, _)| one == code || one.severity() == Severity::Error).collect();
            if !bad.is_empty() {
                failures.push(format!("{code}: right example gives {bad:?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {tried}:\n{}", failures.len(), failures.join("\n"));
    assert!(tried >= 60, "only {tried} codes have an example in the language");
}
