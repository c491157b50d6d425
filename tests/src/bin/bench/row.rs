//! How figures are printed: what, how much, and beside it the aim and whether it is met.

/// A figure on its line.
pub(crate) fn print(what: &str, figure: &str) {
    println!("  {what:<66} {figure:>22}");
}

/// A figure that has an aim: at most so much.
pub(crate) fn aimed(what: &str, figure: f64, aim: f64, unit: &str) {
    let verdict = if figure <= aim { "met" } else { "MISSED" };
    println!("  {what:<66} {:>22}   aim {aim} {unit}: {verdict}", format!("{} {unit}", rounded(figure)));
}

/// A figure that has an aim: at least so much.
pub(crate) fn at_least(what: &str, figure: f64, aim: f64, unit: &str) {
    let verdict = if figure >= aim { "met" } else { "MISSED" };
    println!("  {what:<66} {:>22}   aim {aim} {unit}: {verdict}", format!("{figure:.0} {unit}"));
}

/// What cannot be measured of this binary, so that its absence is seen.
pub(crate) fn skipped(what: &str, why: &str) {
    println!("  {what:<66} SKIPPED: {why}");
}

fn rounded(figure: f64) -> String {
    if figure < 10.0 { format!("{figure:.2}") } else { format!("{figure:.1}") }
}

/// The middle of `figures`.
pub(crate) fn median(figures: &[f64]) -> f64 {
    percentile(figures, 50)
}

/// So many percent of `figures` are no larger.
pub(crate) fn percentile(figures: &[f64], percent: usize) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let nth = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(nth).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_figures() {
        let figures: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!([0, 50, 99, 100].map(|percent| percentile(&figures, percent)), [1.0, 51.0, 100.0, 100.0]);
        assert_eq!(percentile(&[7.0], 99), 7.0);
        assert!(median(&[]).is_nan());
    }
}
