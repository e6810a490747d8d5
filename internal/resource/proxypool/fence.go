package proxypool

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"syscall"
)

// errInside is the refusal to connect to an address inside this network.
var errInside = errors.New("the address is inside this network")

// fence keeps connections from addresses that only this network can reach.
type fence struct{ allow []netip.Prefix }

// control is for net.Dialer: it judges the address that is really connected
// to, whatever the name was and however often it was looked up.
func (f fence) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !f.lets(at.Addr()) {
		return errInside
	}
	return nil
}

// lets tells whether the address is public or allowed.
func (f fence) lets(ip netip.Addr) bool {
	ip = ip.WithZone("").Unmap()
	has := func(p netip.Prefix) bool { return p.Contains(ip) }
	if slices.ContainsFunc(f.allow, has) {
		return true
	}
	if ip.Is6() && !netip.MustParsePrefix("2000::/3").Contains(ip) {
		return false // everything else is local, multicast, mapped or reserved
	}
	return !slices.ContainsFunc(special(), has)
}

// special are the networks that are not of the public internet, or lead into
// others: IANA's registries of special-purpose addresses (RFC 6890). Of IPv6
// those inside 2000::/3.
func special() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{
		"0.0.0.0/8",       // this network
		"10.0.0.0/8",      // private
		"100.64.0.0/10",   // carriers' NAT
		"127.0.0.0/8",     // loopback
		"169.254.0.0/16",  // link-local, and the metadata of clouds
		"172.16.0.0/12",   // private
		"192.0.0.0/24",    // protocol assignments
		"192.0.2.0/24",    // documentation
		"192.88.99.0/24",  // 6to4 relays
		"192.168.0.0/16",  // private
		"198.18.0.0/15",   // benchmarks
		"198.51.100.0/24", // documentation
		"203.0.113.0/24",  // documentation
		"224.0.0.0/4",     // multicast
		"240.0.0.0/4",     // reserved, and broadcast
		"2001::/23",       // protocol assignments, Teredo and ORCHID among them
		"2001:db8::/32",   // documentation
		"2002::/16",       // 6to4: holds an IPv4 address
		"3fff::/20",       // documentation
	} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}
