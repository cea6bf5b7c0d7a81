//! When nothing at all is there to be looked at.

/// After each bucket, whether the alert fires that there is no data: none of the buckets that ended in the last `absent` milliseconds has
/// any, of whatever group. Before the first data nothing is missed.
pub fn absences(any: &[bool], step: i64, absent: i64) -> Vec<bool> {
    let mut last = None;
    let mut missed = |(at, is_there): (usize, &bool)| {
        if *is_there {
            last = Some(at);
        }
        last.is_some_and(|last| (at - last) as i64 * step >= absent)
    };
    any.iter().enumerate().map(&mut missed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_long_without_data_and_not_before_the_first() {
        let any: Vec<bool> = "..x..xx....x".chars().map(|one| one == 'x').collect();
        let letters = |absent| -> String {
            absences(&any, 60_000, absent).into_iter().map(|fires| if fires { 'F' } else { '.' }).collect()
        };
        assert_eq!(letters(3 * 60_000), ".........FF.");
        assert_eq!(letters(60_000), "...FF..FFFF.");
    }
}
