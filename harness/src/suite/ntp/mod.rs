//! NTP.
