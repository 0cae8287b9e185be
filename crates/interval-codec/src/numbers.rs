//! The intervals of counters and gauges.

use crate::column::{Column, shortened};
use crate::range_coder::Bit;
use crate::row::{Coded, Coder, Model, Row};

/// The numbers of one series in one interval: a counter's increments, or a gauge's values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Numbers {
    /// The number of ticks; zero if there is nothing.
    pub ticks: u32,
    /// The sum of the ticks' numbers.
    pub sum: f64,
    /// The smallest number of a tick; of a counter, as if each tick took its period.
    pub min: f64,
    /// The largest, likewise.
    pub max: f64,
}

impl Numbers {
    /// The number of one tick.
    pub fn of(number: f64) -> Self {
        Self { ticks: 1, sum: number, min: number, max: number }
    }

    /// The increments of one tick, and how many of it fit into its period.
    pub fn paced(increments: f64, pace: f64) -> Self {
        let paced = increments * pace;
        Self { ticks: 1, sum: increments, min: paced, max: paced }
    }

    /// `true` if all ticks have the same number, so that this number stands for all.
    fn is_flat(&self) -> bool {
        self.min == self.max && self.sum == self.min * f64::from(self.ticks)
    }
}

impl Coded for Numbers {
    type Model = NumbersModel;
}

impl Row for Numbers {
    fn merge(&mut self, later: &Self) {
        if self.ticks == 0 {
            *self = *later;
        } else if later.ticks > 0 {
            self.ticks = self.ticks.saturating_add(later.ticks);
            self.sum += later.sum;
            self.min = self.min.min(later.min);
            self.max = self.max.max(later.max);
        }
    }

    fn coarsen(&mut self, _: u32) {}

    fn shorten(&mut self) {
        if !self.is_flat() {
            self.sum = shortened(self.sum);
            self.min = shortened(self.min);
            self.max = shortened(self.max);
        }
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}

/// Predicts each of the four numbers from its last ones.
#[derive(Clone, Debug, Default)]
pub struct NumbersModel {
    ticks: Column,
    is_flat: Bit,
    /// The number of a flat interval.
    level: Column,
    sum: Column,
    min: Column,
    max: Column,
}

impl Model for NumbersModel {
    type Row = Numbers;

    fn code_summary<C: Coder>(&mut self, row: &mut Numbers, coder: &mut C) {
        let ticks = self.ticks.code(row.ticks.into(), coder);
        row.ticks = ticks as u32;
        if coder.bit(&mut self.is_flat, row.is_flat()) {
            let level = self.level.code(row.min, coder);
            *row = Numbers { sum: level * ticks, min: level, max: level, ..*row };
        } else {
            row.min = self.min.code(row.min, coder);
            row.max = self.max.code(row.max, coder);
            row.sum = self.sum.code(row.sum, coder);
        }
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}
