//! Rank of the matching item among 100 candidates.

use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;

/// Number of candidates: the match and 99 others.
pub const CANDIDATES: usize = 100;

/// Cosine similarity of two unit vectors.
pub(super) fn cosine(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Distinct random indices of [`CANDIDATES`] − 1 items other than `own` in a pool of `len` items,
/// or of all others if there are fewer.
pub(super) fn others(own: usize, len: usize, seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(own as u64);
    let amount = (CANDIDATES - 1).min(len - 1);
    let places = index::sample(&mut rng, len - 1, amount).into_iter();
    // Skip `own`: indices from `own` on move up by one.
    places
        .map(|place| place + usize::from(place >= own))
        .collect()
}

/// Number of `others` at least as similar to `query` as the feature at `own`. 0 is a correct match.
pub(super) fn rank(query: &[f64], own: usize, others: &[usize], pool: &[Vec<f64>]) -> usize {
    let nearness = cosine(query, &pool[own]);
    let others = others.iter().map(|&place| cosine(query, &pool[place]));
    others.filter(|&other| other >= nearness).count()
}

/// Fraction of the ranks below `limit`, 0 to 1.
pub(super) fn share_below(ranks: &[usize], limit: usize) -> f64 {
    let found = ranks.iter().filter(|&&rank| rank < limit).count();
    found as f64 / ranks.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_counts_others_at_least_as_similar() {
        let pool = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [0.8, 0.6]].map(|x| x.to_vec());
        // Cosines of the query: 0.6, 0.8, 1, 0.96.
        let query = [0.6, 0.8];
        let ranks = [0, 1, 2, 3].map(|own| {
            let others: Vec<usize> = (0..4).filter(|&place| place != own).collect();
            rank(&query, own, &others, &pool)
        });
        assert_eq!(ranks, [3, 2, 0, 1]);
        assert_eq!(rank(&query, 2, &[2], &pool), 1, "a tie is not a match");
        assert_eq!(share_below(&ranks, 1), 0.25);
        assert_eq!(share_below(&ranks, 3), 0.75);
    }

    #[test]
    fn others_exclude_own() {
        for own in [0, 57, 119] {
            let mut found = others(own, 120, 3);
            found.sort_unstable();
            found.dedup();
            assert_eq!(found.len(), 99);
            assert!(!found.contains(&own) && found.iter().all(|&place| place < 120));
        }
        assert_ne!(others(5, 120, 3), others(5, 120, 4));
        assert_eq!(others(1, 3, 0).len(), 2);
    }
}
