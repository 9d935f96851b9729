//! Many questions at once: p-values adjusted so that the answers may be read together.

/// Holm's step-down adjustment: rejecting what is at most α errs anywhere with probability at most α, under any
/// dependence. For verdicts. Adjusted values come in the order of the given ones.
///
/// Source: Holm, Scand. J. Statist. 6 (1979).
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let count = p_values.len();
    let mut adjusted = vec![0.0; count];
    let mut largest = 0.0_f64;
    for (rank, index) in ascending(p_values).into_iter().enumerate() {
        largest = largest.max((count - rank) as f64 * p_values[index]).min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}

/// Benjamini and Hochberg's step-up adjustment: among what is at most α, the expected share of errors is at most α,
/// for independent questions. For exploring, not for verdicts.
///
/// Source: Benjamini & Hochberg, JRSS B 57 (1995).
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let count = p_values.len();
    let mut adjusted = vec![0.0; count];
    let mut smallest = 1.0_f64;
    for (rank, index) in ascending(p_values).into_iter().enumerate().rev() {
        smallest = smallest.min(count as f64 / (rank + 1) as f64 * p_values[index]);
        adjusted[index] = smallest;
    }
    adjusted
}

fn ascending(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjusted_values_keep_the_order_of_the_questions() {
        assert_eq!(holm(&[0.04, 0.01, 0.9]), [0.08, 0.03, 0.9]);
        assert_eq!(benjamini_hochberg(&[0.04, 0.01, 0.9]), [0.06, 0.03, 0.9]);
        assert!(holm(&[]).is_empty());
    }
}
