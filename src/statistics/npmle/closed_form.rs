//! The cases with an exact answer, recognised on the cells: each function returns `None` when its case is not at hand.

use super::reduction::Reduction;

/// Every range is a single cell: shares are counts.
pub(super) fn counting(reduction: &Reduction) -> Option<Vec<f64>> {
    let mut masses = vec![0.0; reduction.cells.len()];
    for range in &reduction.ranges {
        if range.first != range.last {
            return None;
        }
        masses[range.first] = range.weight as f64 / reduction.total;
    }
    Some(masses)
}

/// Windows of which `over` were over when `looked_at` of them were looked at.
#[derive(Debug, Clone, Copy)]
struct Pool {
    over: u128,
    looked_at: u128,
    /// Boundaries in this pool.
    width: usize,
}

/// Every range begins with the first cell or ends with the last: one look each.
///
/// The distribution function at the looks is the isotonic regression of the shares that were over; comparisons are of
/// whole numbers, so equal shares are pooled rather than ordered by rounding.
/// Source: Ayer, Brunk, Ewing, Reid & Silverman, Ann. Math. Statist. 26 (1955).
pub(super) fn single_look(reduction: &Reduction) -> Option<Vec<f64>> {
    let last_cell = reduction.last_cell();
    // a look at the boundary after cell j
    let mut looks = vec![Pool { over: 0, looked_at: 0, width: 1 }; last_cell];
    for range in &reduction.ranges {
        let weight = u128::from(range.weight);
        match (range.first == 0, range.last == last_cell) {
            (true, true) => {} // says nothing
            (true, false) => {
                looks[range.last].over += weight;
                looks[range.last].looked_at += weight;
            }
            (false, true) => looks[range.first - 1].looked_at += weight,
            (false, false) => return None,
        }
    }
    let mut pools: Vec<Pool> = Vec::with_capacity(looks.len());
    for look in looks {
        pools.push(look);
        while let [.., before, last] = pools[..] {
            if before.over * last.looked_at < last.over * before.looked_at {
                break;
            }
            pools.pop();
            pools.pop();
            pools.push(Pool {
                over: before.over + last.over,
                looked_at: before.looked_at + last.looked_at,
                width: before.width + last.width,
            });
        }
    }
    let mut masses = vec![0.0; reduction.cells.len()];
    let mut boundary = 0;
    let (mut over, mut looked_at) = (0_u128, 1_u128);
    // everything is over after the last cell
    for pool in pools.into_iter().chain([Pool { over: 1, looked_at: 1, width: 1 }]) {
        // the difference of two fractions, exact up to the one division
        let rise = pool.over * looked_at - over * pool.looked_at;
        masses[boundary] = rise as f64 / (pool.looked_at * looked_at) as f64;
        (over, looked_at) = (pool.over, pool.looked_at);
        boundary += pool.width;
    }
    Some(masses)
}

/// Every range is a single cell or ends with the last one: the product-limit estimate.
///
/// Source: Kaplan & Meier, JASA 53 (1958).
pub(super) fn product_limit(reduction: &Reduction) -> Option<Vec<f64>> {
    let last_cell = reduction.last_cell();
    let mut ended = vec![0_u64; reduction.cells.len()];
    // windows whose observation stopped just before a cell
    let mut stopped = vec![0_u64; reduction.cells.len()];
    for range in &reduction.ranges {
        if range.first == range.last {
            ended[range.first] += range.weight;
        } else if range.last == last_cell {
            stopped[range.first] += range.weight;
        } else {
            return None;
        }
    }
    let mut at_risk: u64 = ended.iter().chain(&stopped).sum();
    let mut open = 1.0;
    let masses = ended
        .iter()
        .zip(&stopped)
        .enumerate()
        .map(|(cell, (&ended, &stopped))| {
            at_risk -= stopped;
            let conditional = if cell == last_cell { 1.0 } else { ended as f64 / at_risk as f64 };
            let mass = open * conditional;
            open *= 1.0 - conditional;
            at_risk -= ended;
            mass
        })
        .collect();
    Some(masses)
}
