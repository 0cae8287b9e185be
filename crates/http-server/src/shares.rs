//! The shares of places that each address of a client may have.
//!
//! One client alone must not take all places of a server. So the connections of each address are
//! limited. An address of IPv6 is one of very many that a client has, so there the network counts.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The number of addresses from which on those without connections are forgotten.
const FEW: usize = 64;

/// A client, as its share is counted: its address, or its network of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Peer(IpAddr);

/// The shares of all addresses that have connections.
#[derive(Debug)]
pub(crate) struct Shares {
    most: usize,
    by_peer: HashMap<Peer, Arc<Semaphore>>,
    /// The number of addresses at which those without connections are forgotten next.
    full: usize,
}

/// A part of a client's share, given back when it is dropped; `None` without a limit.
pub(crate) type Share = Option<OwnedSemaphorePermit>;

impl Peer {
    pub(crate) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
            }
            address => address,
        })
    }
}

impl Shares {
    /// Makes shares of `most` connections each.
    pub(crate) fn new(most: usize) -> Self {
        Self { most: most.clamp(1, Semaphore::MAX_PERMITS), by_peer: HashMap::new(), full: FEW }
    }

    /// Returns the share of a client, of which each connection takes a part.
    pub(crate) fn of(&mut self, peer: Peer) -> Arc<Semaphore> {
        if self.by_peer.len() >= self.full {
            // Each part that is taken holds its share too.
            self.by_peer.retain(|_, share| Arc::strong_count(share) > 1);
            self.full = (2 * self.by_peer.len()).max(FEW);
        }
        let share = || Arc::new(Semaphore::new(self.most));
        self.by_peer.entry(peer).or_insert_with(share).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: &str) -> Peer {
        Peer::of(address.parse().expect("an address"))
    }

    #[test]
    fn a_network_of_ipv6_is_one_client_and_a_mapped_address_that_of_ipv4() {
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff:2"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
        assert_eq!(peer("::ffff:192.0.2.7"), peer("192.0.2.7"));
        assert_ne!(peer("192.0.2.7"), peer("192.0.2.8"));
    }

    #[test]
    fn clients_without_connections_are_forgotten() {
        let mut shares = Shares::new(2);
        let kept = shares.of(peer("192.0.2.1")).try_acquire_owned().expect("it is the first");
        for number in 0..10_000 {
            let share = shares.of(Peer(Ipv6Addr::from_bits(number << 64).into()));
            drop(share.try_acquire_owned().expect("it is the first"));
        }
        assert!(shares.by_peer.len() <= FEW, "{}", shares.by_peer.len());
        let second = shares.of(peer("192.0.2.1")).try_acquire_owned().expect("it has one of two");
        shares.of(peer("192.0.2.1")).try_acquire_owned().expect_err("it has both");
        drop((kept, second));
    }
}
