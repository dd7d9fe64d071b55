//! What would have to go for a milder verdict.

use super::evidence::Piece;
use super::policy::{Policy, Thresholds};
use super::score::{Judgement, verdict_of};
use crate::model::Verdict;

/// Fills in which pieces were necessary one by one, and a smallest set that was necessary together.
pub(super) fn explain(
    policy: &Policy,
    thresholds: Thresholds,
    pieces: &[Piece],
    verdict: Verdict,
    out: &mut Judgement,
) {
    let mut kept = vec![true; pieces.len()];
    for index in 0..pieces.len() {
        kept[index] = false;
        out.necessary[index] = verdict_of(policy, thresholds, pieces, &kept) < verdict;
        kept[index] = true;
    }
    // Take the heaviest away until the verdict falls, then give back what was not needed for that.
    let mut order: Vec<usize> =
        (0..pieces.len()).filter(|i| pieces[*i].weight + pieces[*i].disguise > 0).collect();
    order.sort_by_key(|index| {
        std::cmp::Reverse((out.necessary[*index], pieces[*index].weight + pieces[*index].disguise))
    });
    let mut removed = Vec::new();
    for index in order {
        kept[index] = false;
        removed.push(index);
        if verdict_of(policy, thresholds, pieces, &kept) < verdict {
            break;
        }
    }
    let milder = verdict_of(policy, thresholds, pieces, &kept);
    if milder >= verdict {
        return;
    }
    removed.retain(|index| {
        kept[*index] = true;
        let needed = verdict_of(policy, thresholds, pieces, &kept) >= verdict;
        if needed {
            kept[*index] = false;
        }
        needed
    });
    removed.sort_unstable();
    let milder = verdict_of(policy, thresholds, pieces, &kept);
    out.counterfactual = Some((removed, milder));
}
