//! Files and variables → what is made of them.

use super::*;
use crate::serve::Contract;

fn read(file: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::read(file, environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

#[test]
fn what_is_described_is_what_is_shipped() {
    let shipped = Config::shipped();
    let described = read(&described(), &[]).unwrap();
    assert_eq!(format!("{described:?}"), format!("{shipped:?}"));
    assert!(KEYS.iter().all(|key| !key.about.is_empty()));
}

#[test]
fn the_environment_goes_before_the_file() {
    let file = "[limits]\nin_flight = 7\n[contract]\npost = \"closed\"\n";
    let config = read(file, &[("QINGLIU_LIMITS_IN_FLIGHT", "9"), ("HOME", "x")]).unwrap();
    assert_eq!((config.serve.in_flight_max, config.serve.contract.of(Surface::Post)), (9, Contract::Closed));
    let config = read("", &[("QINGLIU_SERVE_LISTEN", "127.0.0.1:1")]).unwrap();
    assert_eq!(config.serve.listen.port(), 1);
}

#[test]
fn every_problem_is_told_with_the_nearest_key() {
    let file = "listen = 1\n[serve]\nlisten = \"here\"\n[limits]\nin_flght = 1\nbody_bytes = 0\n\
                [log]\ntext = \"kep\"\nretain_days = 3\n";
    let error = read(file, &[("QINGLIU_LOG_TXT", "keep")]).unwrap_err().to_string();
    for part in [
        "7 problem(s)",
        "listen: keys stand in sections",
        "serve.listen: expected ADDRESS:PORT",
        "limits.in_flght: there is no such key",
        "limits.in_flight",
        "limits.body_bytes: expected 1 to",
        "log.text: expected one of keep, drop",
        "log.retain_days: expected 184",
        "QINGLIU_LOG_TXT",
    ] {
        assert!(error.contains(part), "{part:?} is missing in {error}");
    }
    assert!(read("[serve", &[]).unwrap_err().to_string().contains("1 problem"));
}
