//! Layouts of single constructs.

use super::format;

fn check(text: &str, expect: &str) {
    assert_eq!(format(text).as_deref(), Ok(expect), "{text}");
}

#[test]
fn blanks_are_put_where_they_belong() {
    check("metric   a=-b  *( c+d )/f( x,y )", "metric a = -b * (c + d) / f(x, y)\n");
    check(
        "subset a=b where(c or d)and not(e)and f not in(1,-2)",
        "subset a = b where (c or d) and not (e) and f not in (1, -2)\n",
    );
    check(
        "source s{column a:decimal( 18 , 2 )?unit CNY pii( hashed )=b [ 1 ]}",
        "source s { column a: decimal(18,2)? unit CNY pii(hashed) = b[1] }\n",
    );
    check("metric a=x at 7d ../y at 7d.. -z", "metric a = x at 7d.. / y at 7d.. - z\n");
    check("change m v1->v2{expect:-3% .. -1%}", "change m v1 -> v2 { expect: -3%..-1% }\n");
}

#[test]
fn strings_have_one_spelling() {
    check(
        r#"subset a = b where c = "\u{4f60}\u{41}\u{7}\u{200b}\"\\\n""#,
        "subset a = b where c = \"你A\\u{7}\\u{200b}\\\"\\\\\\n\"\n",
    );
}

#[test]
fn a_body_stays_on_its_line_while_it_fits() {
    check("metric a = b { title: \"x\" ;tier: kpi;}", "metric a = b { title: \"x\"; tier: kpi }\n");
    check("metric a = b {\n title: \"x\"; tier: kpi }", "metric a = b {\n  title: \"x\"\n  tier: kpi\n}\n");
    let long = format!("metric a = b {{ title: \"{}\"; tier: kpi }}", "x".repeat(90));
    check(&long, &format!("metric a = b {{\n  title: \"{}\"\n  tier: kpi\n}}\n", "x".repeat(90)));
    check("metric a = b {\n}", "metric a = b {}\n");
}

#[test]
fn tables_are_aligned_by_what_one_sees() {
    check(
        "test \"t\" of m {\n given e {\n |a|名字|\n | \"x|y\"|张三|// c\n ||\\||\n}\n expect {\n |m|\n }\n}\n",
        "test \"t\" of m {\n  given e {\n    | a     | 名字 |\n    | \"x|y\" | 张三 |  // c\n    |       | \\|   |\n  }\n  expect {\n    | m |\n  }\n}\n",
    );
}

#[test]
fn blank_lines_are_kept_one_at_a_time() {
    check("\n\n// a\n\n\n\nmetric b = c\nmetric d = e\n\n\n", "// a\n\nmetric b = c\nmetric d = e\n");
    check("", "");
    check("// only this", "// only this\n");
}

#[test]
fn items_never_break_before_an_operator() {
    let name = "a_rather_long_name_of_a_metric";
    let text =
        format!("alert a on m {{\n  when: {name}_1 > 1 and {name}_2 > 2 and {name}_3 > 3 and {name}_4 > 4\n}}\n");
    let expect = format!(
        "alert a on m {{\n  when: {name}_1 > 1 and\n    {name}_2 > 2 and\n    {name}_3 > 3 and\n    {name}_4 > 4\n}}\n"
    );
    check(&text, &expect);
}

#[test]
fn what_does_not_parse_is_not_formatted() {
    assert!(format("metric a =\n").is_err_and(|found| found.len() == 1));
}
