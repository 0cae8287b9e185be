//! The limit on streams of one client address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex};

use node0_metrics_core::lock;

/// Counts streams by address, if there is a limit; clones share the counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Clients {
    limit: Option<usize>,
    /// Holds an entry for each address with an open stream, so the limit on all streams bounds it.
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A stream of an address, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    taken: Option<(Clients, IpAddr)>,
}

impl Clients {
    pub(super) fn limited_to(limit: usize) -> Self {
        Self { limit: Some(limit), open: Arc::default() }
    }

    /// Takes a place for an address; an unknown address always has one. Returns the limit if it is
    /// reached.
    pub(super) fn enter(&self, address: Option<IpAddr>) -> Result<Place, usize> {
        let Some((limit, address)) = self.limit.zip(address.map(network_of)) else {
            return Ok(Place { taken: None });
        };
        let mut open = lock(&self.open);
        let count = open.get(&address).copied().unwrap_or_default();
        if count >= limit {
            return Err(limit);
        }
        open.insert(address, count + 1);
        Ok(Place { taken: Some((self.clone(), address)) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((clients, address)) = &self.taken else { return };
        let mut open = lock(&clients.open);
        match open.get_mut(address) {
            Some(count @ 2..) => *count -= 1,
            _ => drop(open.remove(address)),
        }
    }
}

/// Returns what stands for one client: an IPv4 address, or the first 64 bits of an IPv6 address, of
/// which a client can use all that follow.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    #[test]
    fn each_address_has_the_limit_and_gets_its_place_back() {
        let clients = Clients::limited_to(2);
        let first = clients.enter(ip("10.0.0.1")).expect("a place");
        let _second = clients.enter(ip("::ffff:10.0.0.1")).expect("a place");
        assert_eq!(clients.enter(ip("10.0.0.1")).err(), Some(2));
        let _other = clients.enter(ip("10.0.0.2")).expect("a place");
        let _unknown = [(); 5].map(|()| clients.enter(None).expect("a place"));
        drop(first);
        drop(clients.enter(ip("10.0.0.1")).expect("a place"));
    }

    #[test]
    fn addresses_of_one_network_are_one_client() {
        let clients = Clients::limited_to(1);
        let place = clients.enter(ip("2001:db8::1")).expect("a place");
        assert!(clients.enter(ip("2001:db8::ffff:1")).is_err());
        assert!(clients.enter(ip("2001:db8:0:1::1")).is_ok());
        drop(place);
        assert!(lock(&clients.open).is_empty(), "no address is kept");
    }
}
