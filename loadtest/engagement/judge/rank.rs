//! Figures of rankings.

/// Area under the ROC curve: the probability that a positive scores higher than a negative, ties counting half
/// (Mann and Whitney 1947). `None` if there are none of either. O(n log n).
pub(crate) fn auc(positives: &[f64], negatives: &[f64]) -> Option<f64> {
    if positives.is_empty() || negatives.is_empty() {
        return None;
    }
    let mut sorted = negatives.to_vec();
    sorted.sort_by(f64::total_cmp);
    let wins: f64 = positives
        .iter()
        .map(|score| {
            let below = sorted.partition_point(|other| other < score);
            let upto = sorted.partition_point(|other| other <= score);
            below as f64 + (upto - below) as f64 / 2.0
        })
        .sum();
    Some(wins / (positives.len() as f64 * negatives.len() as f64))
}

/// Average precision: precision at each positive, averaged; equal scores are one step. O(n log n).
pub(crate) fn average_precision(positives: &[f64], negatives: &[f64]) -> Option<f64> {
    if positives.is_empty() {
        return None;
    }
    let mut all: Vec<(f64, bool)> = positives.iter().map(|score| (*score, true)).collect();
    all.extend(negatives.iter().map(|score| (*score, false)));
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut seen, mut found, mut sum) = (0, 0, 0.0);
    for step in all.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let new = step.iter().filter(|(_, is_positive)| *is_positive).count();
        seen += step.len();
        found += new;
        sum += new as f64 * found as f64 / seen as f64;
    }
    Some(sum / positives.len() as f64)
}

/// The lowest threshold that at most this share of the values exceeds. 0 values: minus infinity.
pub(crate) fn threshold(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let allowed = (share * sorted.len() as f64).floor() as usize;
    sorted.get(allowed).copied().unwrap_or(f64::NEG_INFINITY)
}

/// How many values exceed a threshold.
pub(crate) fn above(values: &[f64], threshold: f64) -> usize {
    values.iter().filter(|value| **value > threshold).count()
}
