//! The networks whose clients may read.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// A network of clients: an address such as `10.0.0.7`, or a block such as `10.0.0.0/8` or `fd00::/8`.
///
/// ```
/// use node0_http_glue::Network;
///
/// let network: Network = "10.0.0.0/8".parse()?;
/// assert!(network.contains("10.1.2.3".parse()?));
/// assert!(!network.contains("192.0.2.1".parse()?));
/// assert!("10.0.0.0/40".parse::<Network>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

/// A text that is not a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no network: write an address such as 10.0.0.7, or a block such as 10.0.0.0/8")]
pub struct NetworkError {
    /// The text.
    pub text: String,
}

impl Network {
    /// Returns `true` if an address is part of the network.
    ///
    /// An IPv4 address that IPv6 carries, such as `::ffff:10.1.2.3`, counts as the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let block = text.parse::<IpNet>().ok();
        let network = block.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        network.map(Self).ok_or_else(|| NetworkError { text: text.to_owned() })
    }
}
