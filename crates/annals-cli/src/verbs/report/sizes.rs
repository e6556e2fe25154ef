//! Sizes in bins that grow with them.

/// Bins between a power of two and the next.
const FINE: usize = 32;
/// Its power of two.
const FINE_BITS: u32 = FINE.trailing_zeros();
/// Sizes below [`FINE`], each in a bin of its own; and those up to the next powers of two.
const BINS: usize = FINE * 60;
/// Columns of a chart; more than these become fewer by putting neighbours together.
const MOST: usize = 48;

/// How many things are of which size.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sizes {
    bins: Vec<u64>,
    pub count: u64,
    pub bytes: u64,
    pub smallest: u64,
    pub largest: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { bins: vec![0; BINS], count: 0, bytes: 0, smallest: u64::MAX, largest: 0 }
    }
}

/// How many things have a size between two sizes, which are included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SizeBin {
    pub first: u64,
    pub last: u64,
    pub count: u64,
}

impl Sizes {
    /// One more of this size.
    pub fn add(&mut self, size: u64) {
        if let Some(count) = self.bins.get_mut(bin_of(size)) {
            *count += 1;
        }
        self.count += 1;
        self.bytes = self.bytes.saturating_add(size);
        self.smallest = self.smallest.min(size);
        self.largest = self.largest.max(size);
    }

    /// Bins from the first to the last that is not empty: as fine as they can be without being too
    /// many for a chart.
    pub fn bins(&self) -> Vec<SizeBin> {
        let all = (1..=FINE_BITS + 1).map(|power| self.together(1 << power));
        let fits = |bins: &Vec<SizeBin>| bins.len() <= MOST;
        std::iter::once(self.together(1)).chain(all).find(fits).unwrap_or_default()
    }

    /// So many neighbours as one bin.
    fn together(&self, neighbours: usize) -> Vec<SizeBin> {
        let groups = self.bins.chunks(neighbours).enumerate().map(|(nth, counts)| SizeBin {
            first: first_of(nth * neighbours),
            last: first_of((nth + 1) * neighbours).wrapping_sub(1),
            count: counts.iter().sum(),
        });
        let mut bins: Vec<_> = groups.skip_while(|bin| bin.count == 0).collect();
        let behind = bins.iter().rposition(|bin| bin.count > 0).map_or(0, |last| last + 1);
        bins.truncate(behind);
        bins
    }

    /// Their mean; 0 if there are none.
    pub fn mean(&self) -> u64 {
        self.bytes.checked_div(self.count).unwrap_or(0)
    }
}

/// In which bin a size lies.
fn bin_of(size: u64) -> usize {
    let power = (u64::BITS - size.leading_zeros()).saturating_sub(FINE_BITS + 1);
    let within = usize::try_from(size >> power).unwrap_or(0);
    usize::try_from(power).unwrap_or(0) * FINE + within
}

/// The smallest size in a bin; 0, behind the last one.
fn first_of(bin: usize) -> u64 {
    let Some(power) = (bin / FINE).checked_sub(1) else {
        return u64::try_from(bin).unwrap_or(0);
    };
    let within = u64::try_from(bin % FINE + FINE).unwrap_or(0);
    let first = u128::from(within) << power.min(64);
    u64::try_from(first).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_size_lies_in_its_bin_and_bins_leave_no_gap() {
        let powers = (0..64).map(|power| 1_u64 << power);
        let near = powers.flat_map(|size| [size - 1, size, size + 1, size + size / 3]);
        for size in near.chain([0, 88, 163, u64::MAX]) {
            let bin = bin_of(size);
            let last = first_of(bin + 1).wrapping_sub(1);
            assert!(bin < BINS && first_of(bin) <= size && size <= last, "{size}");
            // None is wider than a 32nd of where it begins.
            assert!(last - first_of(bin) <= size / 32, "{size}");
        }
        assert_eq!((first_of(BINS), bin_of(u64::MAX)), (0, BINS - 1));
        assert!((0..BINS - 1).all(|bin| first_of(bin) < first_of(bin + 1)));
    }

    #[test]
    fn a_chart_has_fine_bins_where_sizes_are_near_each_other_and_coarse_ones_elsewhere() {
        let of = |sizes: &[u64]| {
            let mut all = Sizes::default();
            sizes.iter().for_each(|size| all.add(*size));
            let bins = all.bins();
            let counts: u64 = bins.iter().map(|bin| bin.count).sum();
            assert_eq!(counts, all.count);
            assert!(bins.len() <= MOST);
            let ends = bins.first().map(|first| (first.first, bins[bins.len() - 1].last));
            (bins.len(), ends)
        };
        assert_eq!(of(&[]), (0, None));
        assert_eq!(of(&[0]), (1, Some((0, 0))));
        assert_eq!(of(&[5, 7]), (3, Some((5, 7))));
        assert_eq!(of(&[88, 100, 163]), (29, Some((88, 163))));
        assert_eq!(of(&[0, 1 << 20]), (33, Some((0, (1 << 20) + (1 << 19) - 1))));
        assert_eq!(of(&[0, 1 << 40]), (37, Some((0, (1 << 41) - 1))));
        assert!(of(&[0, u64::MAX]).0 > 1);
    }

    #[test]
    fn smallest_largest_and_mean_are_exact() {
        let mut sizes = Sizes::default();
        assert_eq!(sizes.mean(), 0);
        [100, 120, 900].into_iter().for_each(|size| sizes.add(size));
        assert_eq!((sizes.mean(), sizes.smallest, sizes.largest), (373, 100, 900));
    }
}
