//! The upper Cholesky factor of a matrix that is zero away from its diagonal, and what happens to it when a variable
//! leaves.

/// A square matrix, row after row.
pub(super) struct Square {
    pub(super) order: usize,
    entries: Vec<f64>,
}

impl Square {
    pub(super) fn zero(order: usize) -> Self {
        Self { order, entries: vec![0.0; order * order] }
    }

    pub(super) fn row(&self, row: usize) -> &[f64] {
        &self.entries[row * self.order..(row + 1) * self.order]
    }

    pub(super) fn row_mut(&mut self, row: usize) -> &mut [f64] {
        &mut self.entries[row * self.order..(row + 1) * self.order]
    }

    /// Two different rows, the first above the second.
    pub(super) fn two_rows(&mut self, above: usize, below: usize) -> (&mut [f64], &mut [f64]) {
        let (head, tail) = self.entries.split_at_mut(below * self.order);
        (&mut head[above * self.order..(above + 1) * self.order], &mut tail[..self.order])
    }
}

/// The upper Cholesky factor of a positive definite matrix, from which variables can be removed.
pub(super) struct Factor {
    upper: Square,
    /// For each variable left the last column of its row that is not zero; never falls from row to row.
    reach: Vec<usize>,
}

impl Factor {
    pub(super) fn of(matrix: &Square, reach: Vec<usize>) -> Self {
        let order = matrix.order;
        let mut upper = Square { order, entries: matrix.entries.clone() };
        for pivot in 0..order {
            let end = reach[pivot] + 1;
            let original = matrix.row(pivot)[pivot];
            let row = upper.row_mut(pivot);
            // the columns are independent, so only rounding can bring a pivot this low
            let root = row[pivot].max(1e-14 * original).sqrt();
            row[pivot] = root;
            for entry in &mut row[pivot + 1..end] {
                *entry /= root;
            }
            for below in pivot + 1..end {
                let (pivot_row, below_row) = upper.two_rows(pivot, below);
                let by = pivot_row[below];
                for (entry, above) in below_row[below..end].iter_mut().zip(&pivot_row[below..end]) {
                    *entry -= by * above;
                }
            }
        }
        Self { upper, reach }
    }

    /// Removes one variable: its column goes, and rotations bring what sticks out below the diagonal back above it.
    pub(super) fn remove(&mut self, variable: usize) {
        let size = self.reach.len();
        for row in 0..size {
            self.upper.row_mut(row).copy_within(variable + 1..size, variable);
        }
        // the column is gone: what reached it or further now ends one earlier, and rows move up by the rotations
        self.reach.remove(variable);
        for (row, reach) in self.reach.iter_mut().enumerate() {
            if *reach >= variable {
                *reach = (*reach - 1).max(row);
            }
        }
        for row in variable..size - 1 {
            let end = self.reach[row] + 1;
            let (above, below) = self.upper.two_rows(row, row + 1);
            let length = above[row].hypot(below[row]);
            let (cosine, sine) = (above[row] / length, below[row] / length);
            for (a, b) in above[row..end].iter_mut().zip(&mut below[row..end]) {
                (*a, *b) = (cosine * *a + sine * *b, cosine * *b - sine * *a);
            }
        }
    }

    pub(super) fn solve(&self, mut right: Vec<f64>) -> Vec<f64> {
        for (row, &reach) in self.reach.iter().enumerate() {
            let entries = self.upper.row(row);
            right[row] /= entries[row];
            let value = right[row];
            for (rest, entry) in right[row + 1..=reach].iter_mut().zip(&entries[row + 1..=reach]) {
                *rest -= value * entry;
            }
        }
        for (row, &reach) in self.reach.iter().enumerate().rev() {
            let entries = &self.upper.row(row)[..=reach];
            let known: f64 = entries[row + 1..].iter().zip(&right[row + 1..=reach]).map(|(a, b)| a * b).sum();
            right[row] = (right[row] - known) / entries[row];
        }
        right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> Square {
        let mut matrix = Square::zero(4);
        let entries = [[9.0, 3.0, 1.0, 0.0], [3.0, 8.0, 2.0, 1.0], [1.0, 2.0, 7.0, 3.0], [0.0, 1.0, 3.0, 6.0]];
        for (row, entries) in entries.iter().enumerate() {
            matrix.row_mut(row).copy_from_slice(entries);
        }
        matrix
    }

    /// The product of the matrix without one variable and the solution for it.
    fn product(without: usize, solution: &[f64]) -> Vec<f64> {
        let left: Vec<usize> = (0..4).filter(|&index| index != without).collect();
        let matrix = matrix();
        left.iter().map(|&row| left.iter().zip(solution).map(|(&column, x)| matrix.row(row)[column] * x).sum()).collect()
    }

    #[test]
    fn a_factor_solves_its_system_also_after_any_variable_has_left() {
        for without in 0..4 {
            let mut factor = Factor::of(&matrix(), vec![2, 3, 3, 3]);
            factor.remove(without);
            let back = product(without, &factor.solve(vec![1.0, -2.0, 3.0]));
            for (ours, given) in back.iter().zip([1.0, -2.0, 3.0]) {
                assert!((ours - given).abs() < 1e-14, "without {without}: {back:?}");
            }
        }
    }
}
