//! The past of one series: a track of blocks in each tier.
//!
//! A tick adds to the running interval of the first tier. When an interval ends, it is appended to
//! its track and added to the running interval of the next tier, so coarser tiers are made of
//! finer ones and nothing is read back.

use std::collections::VecDeque;

use node0_interval_codec::{Block, Depth, OpenBlock, Row};

use crate::tier::{Plan, Planned};

/// The intervals of a block: its model needs some dozens to learn, and a block is dropped as a whole.
pub(crate) const INTERVALS: u64 = 60;

/// The past of one series in all tiers.
#[derive(Debug)]
pub(crate) struct Tracks<R: Row> {
    tracks: Box<[Track<R>]>,
    /// Shifts the ends of blocks, so that those of different series do not end together.
    stagger: u64,
}

/// The past of one series in one tier.
#[derive(Debug)]
struct Track<R: Row> {
    sealed: VecDeque<Block>,
    /// The bytes of the sealed blocks.
    sealed_bytes: usize,
    open: Option<Box<OpenBlock<R>>>,
    /// The interval that has not ended, with its number.
    running: Option<(u64, R)>,
}

/// Blocks of one series and tier, taken out to be read.
#[derive(Debug)]
pub(crate) struct Extract<R> {
    pub(crate) blocks: Vec<Block>,
    /// Intervals that are not in a block yet.
    pub(crate) rows: Vec<(u64, R)>,
}

impl<R: Row> Tracks<R> {
    pub(crate) fn new(tiers: usize, stagger: u64) -> Self {
        Self { tracks: (0..tiers).map(|_| Track::new()).collect(), stagger }
    }

    /// Adds what a tick brought to an interval of the first tier.
    pub(crate) fn push(&mut self, plan: &Plan, interval: u64, row: R) {
        if plan.is_by_tick {
            return self.append(plan, 0, interval, row);
        }
        self.add(plan, 0, interval, row);
    }

    fn add(&mut self, plan: &Plan, tier: usize, interval: u64, row: R) {
        match &mut self.tracks[tier].running {
            Some((running, sum)) if *running == interval => sum.merge(&row),
            running => {
                if let Some((ended, row)) = running.replace((interval, row)) {
                    self.append(plan, tier, ended, row);
                }
            }
        }
    }

    /// Appends an interval that has ended, and adds it to the next tier.
    fn append(&mut self, plan: &Plan, tier: usize, interval: u64, mut row: R) {
        if let Some(next) = plan.tiers.get(tier + 1) {
            let finer = &plan.tiers[tier];
            let mut coarse = row.clone();
            coarse.coarsen(next.halvings - finer.halvings);
            self.add(plan, tier + 1, next.of_finer(finer, interval), coarse);
        }
        if tier > 0 {
            row.shorten();
        }
        self.tracks[tier].append(interval, &mut row, self.stagger);
    }

    /// Ends all running intervals and blocks, since the series is gone.
    pub(crate) fn end(&mut self, plan: &Plan) {
        for tier in 0..self.tracks.len() {
            if let Some((interval, row)) = self.tracks[tier].running.take() {
                self.append(plan, tier, interval, row);
            }
            self.tracks[tier].seal();
        }
    }

    /// Seals the open blocks before they are full.
    pub(crate) fn seal(&mut self) {
        self.tracks.iter_mut().for_each(Track::seal);
        self.shrink();
    }

    /// Drops blocks that are too old in each tier, and returns the number of their intervals.
    pub(crate) fn expire(&mut self, first_kept: impl Fn(usize) -> u64) -> u64 {
        let tracks = self.tracks.iter_mut().enumerate();
        tracks.map(|(tier, track)| track.expire(first_kept(tier))).sum()
    }

    /// Returns `true` if no interval is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.tracks
            .iter()
            .all(|track| track.sealed.is_empty() && track.open.is_none() && track.running.is_none())
    }

    /// Returns the sealed blocks: tier, last interval and bytes of each.
    pub(crate) fn sealed(&self) -> impl Iterator<Item = (usize, u64, usize)> {
        self.tracks.iter().enumerate().flat_map(|(tier, track)| {
            track.sealed.iter().map(move |block| (tier, block.last(), block.heap_bytes()))
        })
    }

    /// Returns the first interval in the blocks of a tier.
    pub(crate) fn first(&self, tier: usize) -> Option<u64> {
        let track = &self.tracks[tier];
        let sealed = track.sealed.front().map(|block| block.first());
        sealed.or_else(|| track.open.as_ref().map(|open| open.first()))
    }

    /// Takes out the intervals of a tier that are in `range`, with those that have not ended.
    pub(crate) fn extract(&self, plan: &Plan, tier: usize, range: (u64, u64)) -> Extract<R> {
        let track = &self.tracks[tier];
        let is_in = |first, last| first <= range.1 && last >= range.0;
        let sealed =
            track.sealed.iter().filter(|block| is_in(block.first(), block.last())).cloned();
        let open = track.open.as_ref().map(|open| open.copy());
        let blocks =
            sealed.chain(open.filter(|block| is_in(block.first(), block.last()))).collect();
        // What has not ended in a finer tier is not in this one yet. The finest is the latest.
        let running = (0..=tier).rev().filter_map(|finer| {
            let (interval, row) = self.tracks[finer].running.as_ref()?;
            let (here, there) = (&plan.tiers[tier], &plan.tiers[finer]);
            let interval = here.of_finer(there, *interval);
            let mut row = row.clone();
            row.coarsen(here.halvings - there.halvings);
            row.summarize();
            is_in(interval, interval).then_some((interval, row))
        });
        Extract { blocks, rows: running.collect() }
    }

    /// Returns the number of intervals in all tiers, of the given ones.
    pub(crate) fn points(&self, tier: usize) -> u64 {
        let track = &self.tracks[tier];
        let sealed: u64 = track.sealed.iter().map(|block| u64::from(block.rows())).sum();
        let open = track.open.as_ref().map_or(0, |open| open.rows().into());
        sealed + open + u64::from(track.running.is_some())
    }

    /// Returns the bytes of the compressed intervals of a tier.
    pub(crate) fn data_bytes(&self, tier: usize) -> usize {
        let track = &self.tracks[tier];
        let sealed: usize = track.sealed.iter().map(Block::data_bytes).sum();
        sealed + track.open.as_ref().map_or(0, |open| open.data_bytes())
    }

    /// Returns the bytes held on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let tracks = self.tracks.iter().map(Track::heap_bytes).sum::<usize>();
        size_of_val(&*self.tracks) + tracks
    }

    /// Returns the bytes that a new series is going to need: an open block in each tier.
    pub(crate) fn soon_bytes(&self) -> usize {
        self.tracks.len() * (size_of::<OpenBlock<R>>() + 4 * size_of::<Block>())
    }

    /// Returns unused memory.
    pub(crate) fn shrink(&mut self) {
        self.tracks.iter_mut().for_each(|track| track.sealed.shrink_to_fit());
    }
}

impl<R: Row> Track<R> {
    fn new() -> Self {
        Self { sealed: VecDeque::new(), sealed_bytes: 0, open: None, running: None }
    }

    fn append(&mut self, interval: u64, row: &mut R, stagger: u64) {
        let block = |interval: u64| (interval + stagger) / INTERVALS;
        if self.open.as_ref().is_some_and(|open| block(open.first()) != block(interval)) {
            self.seal();
        }
        self.open.get_or_insert_with(|| Box::new(OpenBlock::new(interval))).push(interval, row);
    }

    fn seal(&mut self) {
        if let Some(open) = self.open.take() {
            let sealed = open.seal();
            self.sealed_bytes += sealed.heap_bytes();
            self.sealed.push_back(sealed);
        }
    }

    fn expire(&mut self, first_kept: u64) -> u64 {
        let mut dropped = 0;
        while let Some(block) = self.sealed.pop_front_if(|block| block.last() < first_kept) {
            self.sealed_bytes -= block.heap_bytes();
            dropped += u64::from(block.rows());
        }
        dropped
    }

    fn heap_bytes(&self) -> usize {
        let open = self.open.as_ref().map_or(0, |open| size_of_val(&**open) + open.heap_bytes());
        let running = self.running.as_ref().map_or(0, |(_, row)| row.heap_bytes());
        self.sealed.capacity() * size_of::<Block>() + self.sealed_bytes + open + running
    }
}

impl<R: Row> Extract<R> {
    /// Reads the intervals of `range`, in order.
    pub(crate) fn read(&self, range: (u64, u64), depth: Depth, mut visit: impl FnMut(u64, &R)) {
        let mut visit_in_range = |interval: u64, row: &R| {
            if (range.0..=range.1).contains(&interval) {
                visit(interval, row);
            }
        };
        self.blocks.iter().for_each(|block| block.read(depth, &mut visit_in_range));
        self.rows.iter().for_each(|(interval, row)| visit_in_range(*interval, row));
    }
}

impl Planned {
    /// Returns the time at which an interval ends.
    pub(crate) fn end(&self, interval: u64) -> u64 {
        interval * self.step
    }
}
