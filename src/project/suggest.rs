//! "did you mean …": the candidate nearest to what was written.

/// The candidate most like `written`, if one is near enough to be a slip of the keyboard.
pub fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = written.to_lowercase();
    let allowed = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *candidate != written)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_slips_but_not_other_words() {
        let keys = ["timezone", "week_starts", "units"];
        assert_eq!(nearest("time_zone", keys), Some("timezone"));
        assert_eq!(nearest("unit", keys), Some("units"));
        assert_eq!(nearest("Timezone", keys), Some("timezone"));
        assert_eq!(nearest("owner", keys), None);
        assert_eq!(nearest("", keys), None);
    }
}
