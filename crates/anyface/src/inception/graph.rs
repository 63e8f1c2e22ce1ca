//! The graph of Inception v3 with torchvision's names.

/// A convolution with its norm and ReLU.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// Its name in torchvision.
    pub(crate) name: &'static str,
    /// Height and width of the kernel.
    pub(super) kernel: [usize; 2],
    /// Stride.
    pub(super) stride: usize,
    /// Whether zero padding keeps the resolution.
    pub(super) padded: bool,
}

/// Pooling at the start of a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pool {
    /// No pooling.
    None,
    /// 3×3 mean that excludes the padding.
    Mean,
    /// 3×3 maximum.
    Max,
    /// 3×3 maximum with stride 2.
    Halve,
}

/// One branch of a block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Branch {
    pub(super) pool: Pool,
    pub(crate) steps: &'static [Step],
    /// Whether the last two steps are parallel.
    pub(super) splits: bool,
}

/// Parallel branches whose outputs are concatenated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    /// Its name in torchvision.
    pub(crate) name: &'static str,
    pub(crate) branches: &'static [Branch],
}

const fn step(name: &'static str, height: usize, width: usize) -> Step {
    Step {
        name,
        kernel: [height, width],
        stride: 1,
        padded: true,
    }
}

/// A step without padding.
const fn bare(name: &'static str, kernel: usize, stride: usize) -> Step {
    Step {
        name,
        kernel: [kernel; 2],
        stride,
        padded: false,
    }
}

const fn branch(steps: &'static [Step]) -> Branch {
    pooled(Pool::None, steps)
}

const fn split(steps: &'static [Step]) -> Branch {
    Branch {
        pool: Pool::None,
        steps,
        splits: true,
    }
}

const fn pooled(pool: Pool, steps: &'static [Step]) -> Branch {
    Branch {
        pool,
        steps,
        splits: false,
    }
}

/// The convolutions before the blocks.
pub(crate) const STEM: [Step; 5] = [
    bare("Conv2d_1a_3x3", 3, 2),
    bare("Conv2d_2a_3x3", 3, 1),
    step("Conv2d_2b_3x3", 3, 3),
    bare("Conv2d_3b_1x1", 1, 1),
    bare("Conv2d_4a_3x3", 3, 1),
];

/// Steps of the stem that are followed by max pooling with stride 2.
pub(super) const STEM_POOLS: [usize; 2] = [2, 4];

const WIDE: &[Branch] = &[
    branch(&[step("branch1x1", 1, 1)]),
    branch(&[step("branch5x5_1", 1, 1), step("branch5x5_2", 5, 5)]),
    branch(&[
        step("branch3x3dbl_1", 1, 1),
        step("branch3x3dbl_2", 3, 3),
        step("branch3x3dbl_3", 3, 3),
    ]),
    pooled(Pool::Mean, &[step("branch_pool", 1, 1)]),
];

const FIRST_HALVING: &[Branch] = &[
    branch(&[bare("branch3x3", 3, 2)]),
    branch(&[
        step("branch3x3dbl_1", 1, 1),
        step("branch3x3dbl_2", 3, 3),
        bare("branch3x3dbl_3", 3, 2),
    ]),
    pooled(Pool::Halve, &[]),
];

const LONG: &[Branch] = &[
    branch(&[step("branch1x1", 1, 1)]),
    branch(&[
        step("branch7x7_1", 1, 1),
        step("branch7x7_2", 1, 7),
        step("branch7x7_3", 7, 1),
    ]),
    branch(&[
        step("branch7x7dbl_1", 1, 1),
        step("branch7x7dbl_2", 7, 1),
        step("branch7x7dbl_3", 1, 7),
        step("branch7x7dbl_4", 7, 1),
        step("branch7x7dbl_5", 1, 7),
    ]),
    pooled(Pool::Mean, &[step("branch_pool", 1, 1)]),
];

const SECOND_HALVING: &[Branch] = &[
    branch(&[step("branch3x3_1", 1, 1), bare("branch3x3_2", 3, 2)]),
    branch(&[
        step("branch7x7x3_1", 1, 1),
        step("branch7x7x3_2", 1, 7),
        step("branch7x7x3_3", 7, 1),
        bare("branch7x7x3_4", 3, 2),
    ]),
    pooled(Pool::Halve, &[]),
];

const SIDE_BY_SIDE: [Branch; 3] = [
    branch(&[step("branch1x1", 1, 1)]),
    split(&[
        step("branch3x3_1", 1, 1),
        step("branch3x3_2a", 1, 3),
        step("branch3x3_2b", 3, 1),
    ]),
    split(&[
        step("branch3x3dbl_1", 1, 1),
        step("branch3x3dbl_2", 3, 3),
        step("branch3x3dbl_3a", 1, 3),
        step("branch3x3dbl_3b", 3, 1),
    ]),
];

const SPLIT_MEAN: &[Branch] = &[
    SIDE_BY_SIDE[0],
    SIDE_BY_SIDE[1],
    SIDE_BY_SIDE[2],
    pooled(Pool::Mean, &[step("branch_pool", 1, 1)]),
];

const SPLIT_MAX: &[Branch] = &[
    SIDE_BY_SIDE[0],
    SIDE_BY_SIDE[1],
    SIDE_BY_SIDE[2],
    pooled(Pool::Max, &[step("branch_pool", 1, 1)]),
];

const fn block(name: &'static str, branches: &'static [Branch]) -> Block {
    Block { name, branches }
}

/// The blocks in order.
pub(crate) const BLOCKS: [Block; 11] = [
    block("Mixed_5b", WIDE),
    block("Mixed_5c", WIDE),
    block("Mixed_5d", WIDE),
    block("Mixed_6a", FIRST_HALVING),
    block("Mixed_6b", LONG),
    block("Mixed_6c", LONG),
    block("Mixed_6d", LONG),
    block("Mixed_6e", LONG),
    block("Mixed_7a", SECOND_HALVING),
    block("Mixed_7b", SPLIT_MEAN),
    block("Mixed_7c", SPLIT_MAX),
];
