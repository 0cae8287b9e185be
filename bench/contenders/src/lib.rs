//! Races, and who takes part in them: node0, the peers, and floors that only do the necessary work.
//!
//! It knows neither questions nor budgets; those are the bench's.

pub mod rounds;
pub mod turn;

pub mod floors;
pub mod held;
pub mod page;
pub mod peers;
pub mod streams;

pub mod pool;
pub mod workload;

/// Returns `true` if a contender is a peer: not node0, not a floor, not a part measured apart.
pub fn is_peer(name: &str) -> bool {
    !name.starts_with("node0") && !name.starts_with("apart") && !floors::is_floor(name)
}
