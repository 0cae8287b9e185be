//! The constant text of a page, cut where the numbers are inserted.
//!
//! A page of ten thousand lines has as many pieces. They share one buffer, so rendering
//! reads memory in order and needs no allocation per line.

/// Pieces of constant text, in one allocation.
#[derive(Default)]
pub(crate) struct Pieces {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Pieces {
    /// Returns the buffer at whose end the current piece is written.
    pub(crate) fn open(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// Ends the piece that is being written.
    pub(crate) fn cut(&mut self) {
        self.ends.push(self.text.len());
    }

    /// Returns the number of pieces.
    pub(crate) fn count(&self) -> usize {
        self.ends.len()
    }

    /// Returns the size of all pieces together.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Returns the text after the last piece.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.text[self.ends.last().map_or(0, |end| *end)..]
    }

    /// Returns the pieces from index `first` on.
    pub(crate) fn from(&self, first: usize) -> impl Iterator<Item = &[u8]> {
        let mut start = first.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.ends[first..].iter().map(move |end| {
            let piece = &self.text[start..*end];
            start = *end;
            piece
        })
    }
}
