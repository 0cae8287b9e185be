//! The constant text of a page, cut where a number goes.

/// Pieces of constant text, in one allocation.
#[derive(Default)]
pub(crate) struct Pieces {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Pieces {
    /// The text of the piece that is being written.
    pub(crate) fn open(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// Ends the piece that is being written.
    pub(crate) fn cut(&mut self) {
        self.ends.push(self.text.len());
    }

    /// The number of pieces.
    pub(crate) fn count(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of all pieces.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The pieces from the one with number `first`.
    pub(crate) fn from(&self, first: usize) -> impl Iterator<Item = &[u8]> {
        let mut start = first.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.ends[first..].iter().map(move |end| {
            let piece = &self.text[start..*end];
            start = *end;
            piece
        })
    }
}
