//! Near misses: the name that was probably meant.

/// The candidate nearest to `word`, where it is near enough to be a slip of the pen. Ties go to the first.
pub fn near<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let allowed = (word.chars().count() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let distance = strsim::osa_distance(&lower, &candidate.to_lowercase());
        // Of one letter, another one is no slip.
        if distance <= allowed && distance < candidate.chars().count() && best.is_none_or(|(least, _)| distance < least)
        {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn a_slip_is_found_and_a_stranger_is_not() {
        assert_eq!(near("dua", ["gmv", "dau"]), Some("dau"));
        assert_eq!(near("Platfrom", ["platform", "channel"]), Some("platform"));
        assert_eq!(near("dua", ["orders"]), None);
        assert_eq!(near("c", ["a", "b"]), None);
    }
}
