//! The few Ethernet frames that these tests need, written out by hand: ARP (RFC 826), ICMP echo
//! (RFC 792), and how a DHCP DISCOVER looks (RFC 2131).

/// The device's address in these tests (TEST-NET-1).
pub(crate) const DEVICE_IP: [u8; 4] = [192, 0, 2, 2];
const OUR_IP: [u8; 4] = [192, 0, 2, 1];
const OUR_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 1];

fn ethernet(to: [u8; 6], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    [&to[..], &OUR_MAC, &ethertype.to_be_bytes(), payload].concat()
}

/// Who has the device's address?
pub(crate) fn arp_request() -> Vec<u8> {
    let header = [0, 1, 8, 0, 6, 4, 0, 1];
    let body = [&header[..], &OUR_MAC, &OUR_IP, &[0; 6], &DEVICE_IP].concat();
    ethernet([0xff; 6], 0x0806, &body)
}

/// The device's hardware address, when the frame is its ARP reply to us.
pub(crate) fn arp_reply(frame: &[u8]) -> Option<[u8; 6]> {
    let body = frame.strip_prefix(&OUR_MAC)?.get(6..)?;
    let body = body.strip_prefix(&[8, 6, 0, 1, 8, 0, 6, 4, 0, 2])?;
    let (mac, rest) = body.split_first_chunk::<6>()?;
    rest.starts_with(&DEVICE_IP).then_some(*mac)
}

/// The Internet checksum (RFC 1071) of an even number of bytes.
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let mut sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}

/// An echo request with a payload of even length.
pub(crate) fn echo_request(to: [u8; 6], payload: &[u8]) -> Vec<u8> {
    let mut icmp = [&[8, 0, 0, 0, 0x12, 0x34, 0, 1], payload].concat();
    let sum = checksum(&icmp);
    icmp[2..4].copy_from_slice(&sum);
    let len = (20 + icmp.len() as u16).to_be_bytes();
    let start = [0x45, 0, len[0], len[1], 0, 0, 0, 0, 64, 1, 0, 0];
    let mut header = [&start[..], &OUR_IP, &DEVICE_IP].concat();
    let sum = checksum(&header);
    header[10..12].copy_from_slice(&sum);
    ethernet(to, 0x0800, &[header, icmp].concat())
}

/// The payload, when the frame is the reply to [`echo_request`] with a right checksum.
pub(crate) fn echo_reply(frame: &[u8]) -> Option<Vec<u8>> {
    let packet = frame.strip_prefix(&OUR_MAC)?.get(6..)?;
    let packet = packet.strip_prefix(&[8, 0, 0x45])?;
    let (header, icmp) = packet.split_at_checked(19)?;
    let is_icmp_to_us = header[8] == 1 && header[11..15] == DEVICE_IP && header[15..] == OUR_IP;
    let payload = icmp.get(8..)?;
    let is_reply = icmp[..2] == [0, 0] && icmp[4..8] == [0x12, 0x34, 0, 1];
    (is_icmp_to_us && is_reply && checksum(icmp) == [0, 0]).then(|| payload.to_vec())
}

/// `Some` when the frame is a broadcast DHCP DISCOVER.
pub(crate) fn is_dhcp_discover(frame: &[u8]) -> Option<()> {
    let to_server = frame.starts_with(&[0xff; 6])
        && frame.get(23) == Some(&17)
        && frame.get(34..38) == Some(&[0, 68, 0, 67]);
    // Option 53, length 1, DISCOVER.
    let options = frame.get(282..)?;
    (to_server && options.windows(3).any(|w| w == [53, 1, 1])).then_some(())
}
