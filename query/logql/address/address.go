// Package address is LogQL's ip(): a set of addresses, and whether a text has one of them in it.
package address

import (
	"net/netip"
	"strings"
)

// Set is an address, a network (10.0.0.0/8) or a range (10.0.0.1-10.0.0.9).
type Set struct{ first, last netip.Addr }

// Parse reads what stands in ip("…").
func Parse(text string) (Set, bool) {
	text = strings.TrimSpace(text)
	if from, to, ok := strings.Cut(text, "-"); ok {
		first, err1 := netip.ParseAddr(strings.TrimSpace(from))
		last, err2 := netip.ParseAddr(strings.TrimSpace(to))
		first, last = first.Unmap(), last.Unmap()
		ok = err1 == nil && err2 == nil && first.Is4() == last.Is4() && !last.Less(first)
		return Set{first, last}, ok && first.Zone() == "" && last.Zone() == ""
	}
	if network, err := netip.ParsePrefix(text); err == nil {
		return Set{network.Masked().Addr(), lastOf(network)}, true
	}
	one, err := netip.ParseAddr(text)
	return Set{one.Unmap(), one.Unmap()}, err == nil && one.Zone() == ""
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}

// Has says whether a text is an address of the set.
func (s Set) Has(text string) bool {
	a, err := netip.ParseAddr(strings.TrimSpace(text))
	return err == nil && s.has(a)
}

func (s Set) has(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return a.Is4() == s.first.Is4() && !a.Less(s.first) && !s.last.Less(a)
}

// longest is the length of the longest text of an address.
const longest = len("0000:0000:0000:0000:0000:ffff:255.255.255.255")

// In says whether some address of the set stands in a line.
func (s Set) In(line string) bool {
	for i := 0; i < len(line); {
		if !inAddress(line[i]) {
			i++
			continue
		}
		end := i
		for end < len(line) && inAddress(line[end]) {
			end++
		}
		if s.inWord(line[i:end]) {
			return true
		}
		i = end
	}
	return false
}

func inAddress(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' || c == '.' || c == ':'
}

// inWord looks at a run of characters that addresses are made of: the whole of it, and for an address with a
// port or a full stop behind it, or text before it, each part that could be one.
func (s Set) inWord(word string) bool {
	if len(word) > 4*longest {
		word = word[:4*longest]
	}
	for start := range word {
		if start > 0 && word[start-1] != ':' && word[start-1] != '.' {
			continue
		}
		for end := min(len(word), start+longest); end > start+1; end-- {
			if end < len(word) && word[end] != ':' && word[end] != '.' {
				continue
			}
			if a, err := netip.ParseAddr(word[start:end]); err == nil {
				if s.has(a) {
					return true
				}
				break // what is shorter is part of this address
			}
		}
	}
	return false
}
