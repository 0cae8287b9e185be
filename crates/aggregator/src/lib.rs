//! The sampling thread of node0: ticks, published samples and events.
