//! What the command line asks for.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

pub const USAGE: &str = "\
usage: dashboard [PORT] [--listen ADDRESS] | --check | --help

  PORT              the port, which is 3000 unless it is named; 0 takes a free one
  --listen ADDRESS  listens on another IP address than 127.0.0.1; there is no login
  --check           makes some requests to itself, and ends
  --help            prints this, and ends";

#[derive(Debug, PartialEq, Eq)]
pub enum Arguments {
    Help,
    Check,
    Serve(SocketAddr),
}

impl Arguments {
    /// Only `--listen` leads away from this machine's own address.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut arguments = arguments.into_iter();
        let mut address = SocketAddr::from((Ipv4Addr::LOCALHOST, 3000));
        let mut is_check = false;
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--help" | "-h" => return Ok(Self::Help),
                "--check" => is_check = true,
                "--listen" => {
                    let ip = arguments.next().ok_or("`--listen` takes an IP address")?;
                    let ip = ip.parse::<IpAddr>();
                    address.set_ip(ip.map_err(|_| "`--listen` takes an IP address")?);
                }
                port => {
                    let port = port.parse().map_err(|_| format!("`{port}` is no port"))?;
                    address.set_port(port);
                }
            }
        }
        Ok(if is_check { Self::Check } else { Self::Serve(address) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<String, String> {
        match Arguments::parse(line.split_whitespace().map(str::to_owned))? {
            Arguments::Help => Ok("help".to_owned()),
            Arguments::Check => Ok("check".to_owned()),
            Arguments::Serve(address) => Ok(address.to_string()),
        }
    }

    #[test]
    fn only_a_listen_leaves_the_loopback() {
        assert_eq!(parse("").unwrap(), "127.0.0.1:3000");
        assert_eq!(parse("0").unwrap(), "127.0.0.1:0");
        assert_eq!(parse("--listen 0.0.0.0 8080").unwrap(), "0.0.0.0:8080");
        assert_eq!(parse("8080 --listen ::1").unwrap(), "[::1]:8080");
        assert_eq!(parse("--check").unwrap(), "check");
        assert_eq!(parse("--help").unwrap(), "help");
        assert_eq!(parse("8080 -h").unwrap(), "help");
        for wrong in ["--listen", "--listen here", "65536", "-1", "--halp"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
