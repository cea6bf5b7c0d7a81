//! Suggestions for names that were hardly meant as written.

/// The candidate that `name` was probably meant to be: at most a third of its characters differ, case aside.
pub fn near<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let allowed = (lower.chars().count() / 3).max(1);
    (candidates.into_iter())
        .filter(|candidate| *candidate != name)
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The first names of a list, for a help text: `` `a`, `b`, `c` and 4 more ``.
pub fn some_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 8;
    let all: Vec<&str> = names.into_iter().collect();
    let shown: Vec<String> = all.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match all.len().checked_sub(SHOWN) {
        Some(rest) if rest > 0 => format!("{} and {rest} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_name_and_another_word_does_not() {
        assert_eq!(near("platfrom", ["platform", "feature"]), Some("platform"));
        assert_eq!(near("Platform", ["platform"]), Some("platform"));
        assert_eq!(near("channel", ["platform", "feature"]), None);
        assert_eq!(near("x", ["yz"]), None);
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..10).map(|i| format!("c{i}")).collect();
        assert!(some_of(names.iter().map(String::as_str)).ends_with("`c7` and 2 more"));
    }
}
