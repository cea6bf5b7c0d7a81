//! Answers as comma-separated text: an empty cell is null, `""` the empty text.

use super::Answer;

/// The answer with a line of column names, lines ended by `\n`.
pub fn csv(answer: &Answer) -> String {
    let mut found = String::new();
    let names = answer.columns.iter().map(|column| Some(column.name.clone()));
    line(&mut found, names);
    for row in 0..answer.rows.len() {
        line(&mut found, (0..answer.columns.len()).map(|column| answer.text(row, column)));
    }
    found
}

/// Adds one line.
fn line(out: &mut String, cells: impl Iterator<Item = Option<String>>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.push(',');
        }
        match cell {
            None => {}
            Some(text) if text.is_empty() || text.contains([',', '"', '\n', '\r']) => {
                out.push('"');
                out.push_str(&text.replace('"', "\"\""));
                out.push('"');
            }
            Some(text) => out.push_str(&text),
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::testing::answer;

    #[test]
    fn null_is_told_from_the_empty_text() {
        assert_eq!(
            csv(&answer()),
            "time,platform,gmv,活跃,wait,rate\n\
             2026-11-01,ios,9.90,7,1234,0.3333333333333333\n\
             2026-11-01,\"\",,1000000,,0.5\n\
             2026-11-02,\"a,\"\"b\"\"\n\",-0.05,0,123000,\n\
             2026-11-04,ios,1234.56,9,0,2\n\
             2026-11-04,,0.00,-1,1,-1.5\n"
        );
    }
}
