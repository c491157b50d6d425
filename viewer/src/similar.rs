//! Names that come close to a mistyped one.

/// Up to three of `names` that come close to `name`, the closest first; else the first few of them.
#[must_use]
pub fn similar(name: &str, names: &[String]) -> Vec<String> {
    let wanted = name.to_lowercase();
    let mut close: Vec<(usize, &String)> = names
        .iter()
        .map(|other| (distance(&wanted, &other.to_lowercase()), other))
        .filter(|(distance, other)| *distance <= 2.max(wanted.chars().count() / 3) || contains(other, &wanted))
        .collect();
    close.sort_by_key(|(distance, _)| *distance);
    if close.is_empty() {
        return names.iter().take(5).cloned().collect();
    }
    close.into_iter().take(3).map(|(_, name)| name.clone()).collect()
}

fn contains(other: &str, wanted: &str) -> bool {
    wanted.chars().count() >= 3 && other.to_lowercase().contains(wanted)
}

/// How many letters must be put in, taken out, changed, or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = changed.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn letters_in_the_wrong_order_are_forgiven() {
        let all = names(&["refund", "checkout-worker", "checkout-api"]);
        assert_eq!(similar("chekcout-api", &all), ["checkout-api"]);
    }

    #[test]
    fn a_part_of_a_name_finds_it() {
        let all = names(&["refund", "prod-checkout-api-eu"]);
        assert_eq!(similar("Checkout", &all), ["prod-checkout-api-eu"]);
    }

    #[test]
    fn when_nothing_comes_close_the_busiest_are_named() {
        assert_eq!(similar("zzz", &names(&["a-function", "b-function"])), ["a-function", "b-function"]);
        assert!(similar("zzz", &[]).is_empty());
    }

    #[test]
    fn distances_count_single_changes() {
        assert_eq!(
            [("", "abc"), ("abc", "abc"), ("abcd", "acbd"), ("kitten", "sitting")].map(|(a, b)| distance(a, b)),
            [3, 0, 1, 3]
        );
    }
}
